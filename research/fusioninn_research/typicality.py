"""How well the typicality score tells unusual pairs from usual ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from scripts.data.discovery import find_patients, usable
from scripts.data.errors import BadInputError
from scripts.data.naming import person_of
from scripts.data.picture_pairs import find_picture_pairs
from scripts.networks.weights import fingerprint
from scripts.outputs.writing import check_writable, result_file
from scripts.transforms.load_pictures import LoadPicturesd
from scripts.typicality.fit_reference import Cases, FitReference
from scripts.typicality.reference import Reference
from scripts.typicality.scanners import SCANNERS

from .typicality_figure import draw_scores
from .typicality_table import CHOSEN, FITTED, PICTURES, UNSEEN, USUAL, Case, summary, typicality_markdown
from .unusual import UNUSUAL

Statistics = dict[str, np.ndarray]


class TypicalityReport:
    """Score usual and unusual cases, and write ``typicality.md``, ``typicality.csv``, ``typicality.json`` and a figure.

    Statistics of each case are kept under ``cases/`` and not computed again for the same weights.

    Args:
        dataset_dir: folder of usual patients that nothing was fitted to.
        fitted_dir: folder of the patients that the reference was fitted to. Where they have further contrasts, they
            show what a wrong one does; each is left out of the fit that scores it.
        pictures_dir: folder of pairs of pictures, or None; see `kinds`.
        contrasts: pairs of sources of `fitted_dir` that are unusual.
        kinds: folders of `pictures_dir` and the sources in them; each is scored in both orders.
        every: make every n-th usual patient unusual in all known ways.
        candidates: names of statistics by candidate, to be compared with the reference's own.
        output_dir: folder for the results.
        typicality_file: what usual pairs are like.
        fit: the command that fitted it, to fit it again without a patient.
        network: the network.
        ckpt_path: its weights.

    Raises:
        BadInputError: when the data set is missing.
    """

    def __init__(
        self,
        dataset_dir: str | None,
        fitted_dir: str | None,
        pictures_dir: str | None,
        contrasts: Sequence[Sequence[str]],
        kinds: Mapping[str, Sequence[str]],
        every: int,
        candidates: Mapping[str, Sequence[str]],
        output_dir: str,
        typicality_file: str,
        fit: FitReference,
        network: nn.Module,
        ckpt_path: str,
    ) -> None:
        if dataset_dir is None:
            raise BadInputError("dataset_dir is missing. Give a folder of usual patients that nothing was fitted to.")
        if fitted_dir is None:
            raise BadInputError(
                "fitted_dir is missing. Give the folder of the patients that the reference was fitted to."
            )
        self.dataset_dir, self.fitted_dir, self.pictures_dir = dataset_dir, fitted_dir, pictures_dir
        self.contrasts, self.kinds, self.every, self.candidates = contrasts, kinds, every, dict(candidates)
        self.output_dir = Path(output_dir).expanduser()
        self.checkpoint = fingerprint(ckpt_path)
        self.reference = Reference.load(typicality_file, self.checkpoint)
        self.fit, self.network = fit, network
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> None:
        """Measure what is not measured yet, and write the results.

        Raises:
            BadInputError: a case cannot be read; what was measured before is kept.
        """
        check_writable(self.output_dir)
        fitted = self.fitted_cases()
        cases = [*self.unseen_patients(fitted), *self.left_out(fitted), *self.pictures(fitted)]
        rows = summary(cases)
        texts = {
            "typicality.md": typicality_markdown(rows, cases, self.reference),
            "typicality.json": json.dumps({"kinds": rows, "cases": [case.row() for case in cases]}, indent=1) + "\n",
        }
        for name, text in texts.items():
            with result_file(self.output_dir / name) as temporary:
                Path(temporary).write_text(text, encoding="utf-8")
        draw_scores(self.output_dir / "typicality.png", cases, self.reference.threshold)
        self.logger.info(f"Written: {', '.join([*texts, 'typicality.png'])} in {self.output_dir}")

    def fitted_cases(self) -> Cases:
        """Statistics of the patients of the fit, as every scanner shows them."""
        found = {one["patient"]: one for one in usable(find_patients(self.fitted_dir, self.reference.sources))}
        missing = [name for name in self.reference.fitted["patients"] if name not in found]
        if missing:
            raise BadInputError(f"{self.fitted_dir} lacks {', '.join(missing)}, to whom the reference was fitted.")
        sources = self.reference.sources
        return {
            name: [
                self.kept(FITTED, label, name, lambda one=found[name], by=scanner: self.fit.stack(one, sources, by))
                for label, scanner in SCANNERS.items()
            ]
            for name in tqdm(self.reference.fitted["patients"], desc="Patients of the fit", unit="patient")
        }

    def unseen_patients(self, fitted: Cases) -> Iterator[Case]:
        """Usual patients, and some of them made unusual."""
        persons = {person_of(name) for name in fitted}
        found = usable(find_patients(self.dataset_dir, self.reference.sources))
        patients = [one for one in found if person_of(one["patient"]) not in persons]
        references = self.references(fitted)
        for number, patient in enumerate(tqdm(patients, desc="Unseen patients", unit="patient")):
            image = cache(partial(self.fit.stack, patient, self.reference.sources))
            ways = UNUSUAL if number % self.every == 0 else {}
            for kind, spoil in {USUAL: lambda usual: usual, **ways}.items():
                name = patient["patient"]
                statistics = self.kept(UNSEEN, kind, name, lambda of=image, by=spoil: by(of()))
                yield Case.of(UNSEEN, kind, name, statistics, references)

    def left_out(self, fitted: Cases) -> Iterator[Case]:
        """Patients of the fit with the right and with wrong contrasts, each scored by a fit without it."""
        for name in tqdm(fitted, desc="Wrong contrasts", unit="patient"):
            references = self.references({other: seen for other, seen in fitted.items() if other != name})
            yield Case.of(FITTED, USUAL, name, fitted[name][0], references)
            for pair in self.contrasts:
                found = {one["patient"]: one for one in usable(find_patients(self.fitted_dir, pair))}
                if name in found:
                    kind = " + ".join(pair)
                    stack = partial(self.fit.stack, found[name], pair)
                    yield Case.of(FITTED, kind, name, self.kept(FITTED, kind, name, stack), references)

    def pictures(self, fitted: Cases) -> Iterator[Case]:
        """Pairs of pictures of other kinds."""
        if self.pictures_dir is None:
            return
        references, read = self.references(fitted), LoadPicturesd(1)
        for kind, sources in self.kinds.items():
            for order in (tuple(sources), tuple(reversed(sources))):
                label = " + ".join(order)
                records = find_picture_pairs([Path(self.pictures_dir).expanduser() / kind / one for one in order])
                for record in tqdm(records, desc=label, unit="pair"):
                    name = record["patient"]
                    statistics = self.kept(PICTURES, label, name, lambda one=record: read(one)["image"])
                    yield Case.of(PICTURES, label, name, statistics, references)

    def references(self, fitted: Cases) -> dict[str, Reference]:
        """What is usual by the statistics in use and by each candidate."""
        named = {CHOSEN: self.reference.usual.names, **self.candidates}
        return {name: self.fit.fit(fitted, self.reference.density, names) for name, names in named.items()}

    def kept(self, group: str, kind: str, name: str, image: Callable[[], torch.Tensor]) -> Statistics:
        """Statistics of a case, from its file where they were computed with the same weights."""
        path = self.output_dir / "cases" / group / kind.replace(" ", "-").replace("%", "percent") / f"{name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["checkpoint_sha256"] == self.checkpoint:
                return {key: np.asarray(values) for key, values in content["statistics"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # they are computed anew
        statistics = self.fit.measure(image(), self.reference.density)
        plain = {key: values.tolist() for key, values in statistics.items()}
        with result_file(path, suffix=".json") as temporary:
            content = {"checkpoint_sha256": self.checkpoint, "statistics": plain}
            Path(temporary).write_text(json.dumps(content), encoding="utf-8")
        return statistics
