"""Pairs that the network has never seen: other contrasts, synthetic diffusion, pictures of other machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn
from tqdm import tqdm

from scripts.data.discovery import find_patients, usable
from scripts.data.errors import BadInputError
from scripts.data.picture_pairs import find_picture_pairs
from scripts.evaluation.evaluate import EvaluateVolume
from scripts.inferers.slices_at_once import AUTO
from scripts.outputs.overview import DISPLAY_NAMES
from scripts.outputs.pictures import OWN_ENDINGS
from scripts.outputs.tables import known
from scripts.transforms.load_pictures import LoadPicturesd
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

from .scorecard_diffusion import SyntheticDiffusiond

FIRST, SECOND = "first", "second"
SYNTHETIC = "DWI + ADC (synthetic)"


class Case(NamedTuple):
    """A pair of images.

    Attributes:
        kind: names of both in the order in which they are fused.
        record: where they are.
        read: takes the record to what is measured.
    """

    kind: str
    record: dict[str, Any]
    read: Callable[[dict[str, Any]], dict[str, Any]]


class UnseenPairs:
    """Find pairs and measure each, decomposed from a fused image of 8 bits.

    Args:
        network: the network.
        pairs_dir: folder of patients with further contrasts, or None. Defaults to None.
        pairs: contrasts of each kind of pair in `pairs_dir`, in the order in which they are fused. Defaults to ().
        diffusion_from: T2 and FLAIR by the names that they have in `pairs_dir`, for `SyntheticDiffusiond`; None for no
            such pair. Defaults to None.
        pictures_dir: folder that holds a folder for each kind of `kinds`, and in it one for each source, or None.
            Defaults to None.
        kinds: sources of each kind of picture; each is fused in both orders. Defaults to None (no kind).
        slice_step: take every n-th slice of a volume that has enough brain. Defaults to 20.
        normalisation: see `NormalizeSourcesd`; pictures are scaled by their own range. Defaults to "slice".
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        min_brain_fraction: slices with less brain than this share of their area are left out. Defaults to 0.1.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".

    Raises:
        BadInputError: when a folder that is given is missing or holds no such pair, or a setting is not possible.
    """

    def __init__(
        self,
        network: nn.Module,
        pairs_dir: str | None = None,
        pairs: Sequence[Sequence[str]] = (),
        diffusion_from: Sequence[str] | None = None,
        pictures_dir: str | None = None,
        kinds: Mapping[str, Sequence[str]] | None = None,
        slice_step: int = 20,
        normalisation: str = "slice",
        latent: str = "zeros",
        seed: int = 0,
        min_brain_fraction: float = 0.1,
        slices_at_once: int | str = AUTO,
    ) -> None:
        wrong = [
            pair for pair in (*pairs, diffusion_from or ("t2", "flair")) if isinstance(pair, str) or len(pair) != 2
        ]
        if wrong:
            raise BadInputError(
                f"{wrong[0]!r} is no pair of contrasts. Give pairs such as [['t1gd','t2'],['t1','flair']]."
            )
        self.network = network
        self.measure = EvaluateVolume(
            [FIRST, SECOND], "uint8", latent, seed, min_brain_fraction, slices_at_once, slice_step, metrics=False
        )
        self.normalise = NormalizeSourcesd(normalisation)
        self.left_out = []
        self.cases: list[Case] = []
        if pairs_dir is None:
            self.left_out.append("other contrasts and synthetic diffusion, as no --pairs_dir was given")
        else:
            self.cases += self._volumes(pairs_dir, pairs, diffusion_from)
        if pictures_dir is None:
            self.left_out.append("pictures of other machines, as no --pictures_dir was given")
        else:
            self.cases += self._pictures(Path(pictures_dir).expanduser(), kinds or {})

    def __call__(self) -> list[dict[str, Any]]:
        """Measure all.

        Returns:
            rows of figures, one a slice: "kind", "patient" (name of the case) and the columns of `EvaluateVolume`,
            where the sources are "first" and "second".

        Raises:
            BadInputError: when a case cannot be read or measured.
        """
        rows = []
        for case in tqdm(self.cases, desc="Unseen pairs", unit="pair", disable=not self.cases):
            data = case.read(case.record)
            try:
                found = self.measure(self.network, data)["rows"]
            except BadInputError as error:
                raise BadInputError(f"{case.kind}: {error}") from error
            rows += [
                {"kind": case.kind, "patient": case.record["patient"], **{key: known(row[key]) for key in row}}
                for row in found
            ]
        return rows

    def _volumes(
        self, folder: str, pairs: Sequence[Sequence[str]], diffusion_from: Sequence[str] | None
    ) -> Iterator[Case]:
        def reader(sources: Sequence[str], diffusion: bool) -> Callable[[dict[str, Any]], dict[str, Any]]:
            load, synthetic = LoadSourcesd(sources), SyntheticDiffusiond()
            return lambda one: self.normalise(synthetic(load(one)) if diffusion else load(one))

        wanted = [(pair, " + ".join(DISPLAY_NAMES.get(one, one) for one in pair), False) for pair in pairs]
        if diffusion_from is not None:
            wanted.append((diffusion_from, SYNTHETIC, True))
        for pair, kind, diffusion in wanted:
            read = reader(pair, diffusion)
            yield from (Case(kind, record, read) for record in usable(find_patients(folder, pair)))

    @staticmethod
    def _pictures(folder: Path, kinds: Mapping[str, Sequence[str]]) -> Iterator[Case]:
        # Only the luminance counts, so it does not matter whose colour a fused picture would carry.
        read = LoadPicturesd(1)
        for kind, sources in kinds.items():
            for order in (tuple(sources), tuple(reversed(sources))):
                for record in find_picture_pairs([folder / kind / source for source in order], OWN_ENDINGS):
                    if "problem" in record:
                        raise BadInputError(f"{kind}: {record['problem']}")
                    yield Case(" + ".join(order), record, read)
