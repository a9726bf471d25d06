"""Kinds of pictures that the weights have never seen: how they fuse, and how they come back."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from scripts.cases.folders import PictureFolder
from scripts.cases.fuse_pictures import FusePictures
from scripts.cases.picture_files import EstimatedPictures, FusedPicture, PictureOverview, PictureRecord
from scripts.cases.volume_files import Sidecar
from scripts.data.errors import BadInputError
from scripts.data.picture_pairs import find_picture_pairs
from scripts.data.pictures import Picture, read_picture
from scripts.evaluation.regions import ssim_by_region
from scripts.inferers.slicewise import decompose_volume, fuse_volume, restore_volume
from scripts.metrics import decomposition_scores, fusion_scores
from scripts.networks.pixelwise import MaxFusion, MeanFusion
from scripts.networks.weights import fingerprint
from scripts.outputs.colour import colour_at
from scripts.outputs.levels import as_stored
from scripts.outputs.pictures import FUSED_ENDING, OWN_ENDINGS
from scripts.outputs.tables import write_text
from scripts.outputs.writing import check_writable
from scripts.transforms.load_pictures import SLICE_AXIS, LoadPicturesd

from .colour_difference import level_difference, seen_difference
from .out_of_distribution_tables import write_tables

HEAD = 0.05
"""Luminance above which a pixel of a source is no background."""

RIVALS = {"mean": MeanFusion, "max": MaxFusion}


class OutOfDistribution:
    """Measure every pair of pictures of a data set in both orders of the sources, and write the tables.

    What is measured of a pair is kept in ``pairs/`` and not measured again as long as weights, settings and pictures
    are the same. The fused and decomposed pictures themselves are left in ``pictures/``, to be looked at.

    Args:
        dataset_dir: folder that holds a folder for each kind of pair, and in it one for each source.
        kinds: sources of each kind, by the name of its folder.
        output_dir: folder for tables and pictures.
        network: a two-dimensional `FusionINN`.
        ckpt_path: its weights, for the record.
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        overview: draw sources, fused and decomposed pictures side by side. Defaults to True.

    Raises:
        BadInputError: when the data set is missing, or nothing can be written.
    """

    def __init__(
        self,
        dataset_dir: str | None,
        kinds: Mapping[str, Sequence[str]],
        output_dir: str,
        network: nn.Module,
        ckpt_path: str,
        latent: str = "zeros",
        seed: int = 0,
        overview: bool = True,
    ) -> None:
        if dataset_dir is None:
            raise BadInputError(
                f"dataset_dir is missing. Give the folder that holds {', '.join(kinds)}, each with a folder of PNG "
                "files for each of its sources."
            )
        self.dataset_dir, self.kinds = Path(dataset_dir).expanduser(), kinds
        self.output_dir = Path(output_dir).expanduser()
        self.network = network
        self.settings = {"checkpoint_sha256": fingerprint(ckpt_path), "latent": latent, "seed": seed}
        self.overview = overview
        self.read = LoadPicturesd()
        self.fuse = FusePictures(8, latent, seed, fingerprint(ckpt_path))
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> None:
        """Measure what is not measured yet, and write the tables.

        Raises:
            BadInputError: a picture is missing or cannot be used; what was measured before is kept.
        """
        check_writable(self.output_dir)
        work = [
            (kind, order, record)
            for kind, sources in self.kinds.items()
            for order in (tuple(sources), tuple(reversed(sources)))
            for record in find_picture_pairs([self.dataset_dir / kind / source for source in order], OWN_ENDINGS)
        ]
        rows = [row for item in tqdm(work, desc="Measuring", unit="pair") for row in self._kept(*item)]
        for path in write_tables(self.output_dir, rows, self.kinds, self.settings):
            self.logger.info(f"Written: {path}")

    def _kept(self, kind: str, order: Sequence[str], record: dict[str, Any]) -> list[dict[str, Any]]:
        """Take a pair's rows from its file where they were measured with the same settings; measure them otherwise."""
        if "problem" in record:
            raise BadInputError(f"{kind}: {record['problem']}")
        made_with = {**self.settings, "pictures": [fingerprint(file) for file in record["files"]]}
        where = Path(kind) / "-".join(order)
        path = self.output_dir / "pairs" / where / f"{record['patient']}.json"
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["made_with"] == made_with:
                return kept["rows"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # it is measured anew
        rows = [
            {"kind": kind, "first": order[0], "second": order[1], "picture": record["patient"], **row}
            for row in self.measure(record, order, self.output_dir / "pictures" / where)
        ]
        write_text(path, json.dumps({"made_with": made_with, "rows": rows}, indent=1))
        return rows

    def measure(self, record: dict[str, Any], labels: Sequence[str], folder: Path) -> list[dict[str, Any]]:
        """Measure a pair.

        Args:
            record: name and files of the pair.
            labels: names of the sources, in the order in which they are fused.
            folder: where the fused picture is stored, to be decomposed as it is read from there.

        Returns:
            a row for each way to store the fused picture: "grey", and "colour" where a source is coloured.
        """
        data = self.read(record)
        image = data["image"]
        slices = image[..., 0][None]
        fused, latent = fuse_volume(self.network, image, SLICE_AXIS)
        inverse = restore_volume(self.network, fused, latent, SLICE_AXIS)
        common: dict[str, Any] = {"inverse_error": float((inverse - image).abs().max())}
        for name, method in RIVALS.items():
            stored = as_stored(method()(slices), "uint8")
            common |= {f"{name}_{key}": float(value) for key, value in fusion_scores(stored, slices).items()}
        ways = {"grey": None} if data["coloured"] is None else {"grey": None, "colour": data["coloured"]}
        return [
            {"stored": way, **self._row({**data, "coloured": coloured}, labels, folder / way), **common}
            for way, coloured in ways.items()
        ]

    def _row(self, data: dict[str, Any], labels: Sequence[str], folder: Path) -> dict[str, Any]:
        writers = [Sidecar(), FusedPicture(), EstimatedPictures(), *([PictureOverview()] if self.overview else [])]
        PictureFolder(str(folder), writers, PictureRecord())(self.fuse(self.network, data))
        shown = read_picture(folder / f"{data['patient']}{FUSED_ENDING}")
        stored = torch.from_numpy(shown.luminance)[None, ..., None]
        decomposed = decompose_volume(self.network, stored, SLICE_AXIS, self.fuse.latent, self.fuse.seed)
        slices, estimates = data["image"][..., 0][None], decomposed[..., 0][None].clamp(0.0, 1.0)
        head = (slices > HEAD).any(dim=1, keepdim=True)
        scores = fusion_scores(stored[..., 0][None], slices)
        row = {f"network_{key}": float(value) for key, value in scores.items()}
        by_source = decomposition_scores(estimates, slices)
        by_source["SSIM_head"] = ssim_by_region(slices, estimates, {"head": head})["head"]
        fused_ssim = ssim_by_region(slices, stored[..., 0][None].expand_as(slices), {"head": head})["head"]
        for i, label in enumerate(labels):
            row |= {f"{key}_{label}": float(values[0, i]) for key, values in by_source.items()}
            row[f"fused_SSIM_head_{label}"] = float(fused_ssim[0, i])
        if data["coloured"] is not None:
            estimate = folder / f"{data['patient']}_decomposed-{data['coloured'] + 1}_estimate.png"
            row |= _colour_differences(data["pictures"][data["coloured"]], read_picture(estimate), shown, head[0, 0])
        return row


def _colour_differences(source: Picture, estimate: Picture, fused: Picture, head: torch.Tensor) -> dict[str, float]:
    """Differences in the head, of the estimate and of the source's own luminance with the colour that was carried."""
    truth = colour_at(source.luminance, source.chroma)
    inside = head.numpy()

    def of(picture: Picture, luminance: np.ndarray, what: str) -> dict[str, float]:
        nothing = np.zeros((2, *luminance.shape))
        shown = colour_at(luminance, nothing if picture.chroma is None else picture.chroma)
        return {
            f"{what}_levels": float(level_difference(truth, shown)[inside].mean()),
            f"{what}_seen": float(seen_difference(truth, shown)[inside].mean()),
        }

    return {**of(estimate, estimate.luminance, "colour"), **of(fused, source.luminance, "carried_colour")}
