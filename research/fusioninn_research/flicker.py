"""Flicker between slices, and what it costs to be without: networks and normalisations in one table."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from scripts import RESEARCH_NOTICE
from scripts.cases.fuse import check_settings, check_sources
from scripts.data.errors import BadInputError
from scripts.data.slices import brain_mask
from scripts.evaluation.evaluate import slices_with_brain
from scripts.evaluation.regions import ssim_by_region
from scripts.inferers.slices_at_once import AUTO
from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.outputs.levels import as_stored
from scripts.outputs.tables import known, markdown_table, mean_of
from scripts.outputs.writing import check_writable
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import MODES, NormalizeSourcesd, normalize_by, restore_intensity
from scripts.transforms.slicing import to_slices

from .flicker_metric import FLICKER, JITTER, flicker, matched
from .markdown import GAP
from .table_files import write_table

REGIONS = ("slice", "brain")


class FlickerTable:
    """Fuse and decompose every patient by every method, and write ``flicker.md``, ``.csv`` and ``.json``.

    Flicker is measured against the sources in the one scale of their volume, whatever a method was given: the fused
    image, brought to the scale of their mean by one gain and one offset of the volume, against that mean; decomposed
    images, in the sources' own units, each against its source. SSIM of the fused image is measured in the normalisation
    that it was fused in, that of decomposed images in the scale of each slice for all methods. The files are brought up
    to date after every patient.

    Args:
        patients: records of `find_patients`.
        sources: names of the sources.
        methods: "network" and "normalisation" of each method by its name.
        output_dir: folder for the table.
        dtype: how the fused image is stored before it is decomposed. Defaults to "uint8".
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
        slice_step: SSIM of every n-th slice; flicker is that of all. Defaults to 1.
        min_brain_fraction: slices with less brain than this share of their area are left out of SSIM. Defaults to 0.1.

    Raises:
        BadInputError: when a setting is none, or nothing can be written.
    """

    def __init__(
        self,
        patients: Sequence[Mapping[str, Any]],
        sources: Sequence[str],
        methods: Mapping[str, Mapping[str, Any]],
        output_dir: str,
        dtype: str = "uint8",
        latent: str = "zeros",
        seed: int = 0,
        slices_at_once: int | str = AUTO,
        slice_step: int = 1,
        min_brain_fraction: float = 0.1,
    ) -> None:
        check_settings(dtype, latent, seed, slices_at_once)
        for name, method in methods.items():
            if method["normalisation"] not in MODES:
                raise BadInputError(
                    f"the normalisation of {name} is '{method['normalisation']}', expected one of {', '.join(MODES)}."
                )
        self.patients = patients
        self.sources = list(sources)
        self.methods = methods
        self.output_dir = Path(output_dir).expanduser()
        self.dtype, self.latent, self.seed = dtype, latent, seed
        self.slices_at_once, self.slice_step = slices_at_once, slice_step
        self.min_brain_fraction = min_brain_fraction
        self.load = LoadSourcesd(self.sources, with_seg=False)
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> None:
        """Measure everybody and write the table.

        Raises:
            BadInputError: a patient cannot be read or has too little brain.
        """
        check_writable(self.output_dir)
        rows: list[dict[str, Any]] = []
        written: list[Path] = []
        for patient in tqdm(self.patients, desc="Measuring", unit="patient"):
            rows += self.measure(self.load(patient))
            markdown = flicker_markdown(rows, self.sources, self.dtype)
            written = write_table(self.output_dir, "flicker", markdown, pd.DataFrame(rows), {})
        for path in written:
            self.logger.info(f"Written: {path}")

    def measure(self, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Measure one patient.

        Args:
            data: "patient" and "image" (N, X, Y, Z) in the sources' own units.

        Returns:
            a row for each method.
        """
        normalised = {mode: NormalizeSourcesd(mode)(dict(data)) for mode in MODES}
        brain = brain_mask(data["image"])
        axis = normalised["volume"]["intensity_scale"]["slice_axis"]
        numbers = slices_with_brain(brain, axis, data["patient"], self.min_brain_fraction, self.slice_step)
        return [
            {"method": name, "patient": data["patient"], **self._row(method, normalised, brain, axis, numbers)}
            for name, method in self.methods.items()
        ]

    def _row(
        self,
        method: Mapping[str, Any],
        normalised: Mapping[str, Mapping[str, Any]],
        brain: torch.Tensor,
        axis: int,
        numbers: torch.Tensor,
    ) -> dict[str, Any]:
        network: nn.Module = method["network"]
        images = {
            mode: torch.as_tensor(np.asarray(one["image"]), dtype=torch.float32) for mode, one in normalised.items()
        }
        image, by_volume = images[method["normalisation"]], images["volume"]
        check_sources(network, len(image))

        def ssim(one: torch.Tensor, other: torch.Tensor, region: str) -> torch.Tensor:
            """Mean over slices, by source."""
            first, second, mask = (
                to_slices(volume.index_select(axis + 1, numbers), axis) for volume in (one, other, brain)
            )
            masks = {"slice": torch.ones_like(mask), "brain": mask}
            return ssim_by_region(first, second, {region: masks[region]})[region].nanmean(dim=0)

        start = time.perf_counter()
        fused, _ = fuse_volume(network, image, axis, self.slices_at_once, keep_latent=False)
        row: dict[str, Any] = {"seconds": time.perf_counter() - start}
        stored = as_stored(fused, self.dtype)
        mean = image.mean(dim=0, keepdim=True)
        for region in REGIONS:
            row[f"fused_{region}"] = float(ssim(image, stored.expand_as(image), region).mean())
            row[f"mean_{region}"] = float(ssim(image, mean.expand_as(image), region).mean())
        reference = by_volume.mean(dim=0, keepdim=True)
        for name, value in flicker(matched(stored, reference, brain), reference, brain, axis).items():
            row[f"fused_{name}"] = float(value)
        changes = flicker(by_volume, torch.zeros_like(reference), brain, axis)
        for i, source in enumerate(self.sources):
            row |= {f"{source}_{name}": float(value[i]) for name, value in changes.items()}
        row |= {f"mean_{name}": float(value) for name, value in flicker(reference, 0 * reference, brain, axis).items()}
        if not hasattr(network, "decompose"):
            return {key: known(value) for key, value in row.items()}
        estimates = restore_intensity(
            decompose_volume(network, stored, axis, self.latent, self.seed, self.slices_at_once),
            normalised[method["normalisation"]]["intensity_scale"],
        )
        of_slices, of_volume = (normalize_by(estimates, normalised[mode]["intensity_scale"]) for mode in MODES)
        for region in REGIONS:
            for source, value in zip(self.sources, ssim(images["slice"], of_slices, region), strict=True):
                row[f"decomposed_{source}_{region}"] = float(value)
        for name, values in flicker(of_volume, by_volume, brain, axis).items():
            row |= {f"decomposed_{source}_{name}": float(v) for source, v in zip(self.sources, values, strict=True)}
        return {key: known(value) for key, value in row.items()}


def flicker_markdown(rows: Sequence[Mapping[str, Any]], sources: Sequence[str], dtype: str) -> str:
    """The table to read.

    Args:
        rows: what `FlickerTable.measure` returns, of all patients.
        sources: names of the sources.
        dtype: how the fused image was stored.
    """
    methods = list(dict.fromkeys(row["method"] for row in rows))
    patients = list(dict.fromkeys(row["patient"] for row in rows))

    def figure(method: str, column: str, places: int) -> str:
        value = mean_of([row.get(column) for row in rows if row["method"] == method])
        return GAP if value is None else f"{value:.{places}f}"

    similar = [
        [
            method,
            *(f"{figure(method, f'fused_{r}', 4)} ({figure(method, f'mean_{r}', 4)})" for r in REGIONS),
            *(figure(method, f"decomposed_{source}_{r}", 4) for r in REGIONS for source in sources),
        ]
        for method in methods
    ]
    flickers = [
        [method]
        + [figure(method, f"{what}_{name}", 4) for name in (FLICKER, JITTER) for what in ("fused", *_of(sources))]
        + [figure(method, "seconds", 1)]
        for method in methods
    ]
    changes = [["changes of the sources themselves"]]
    changes[0] += [figure(methods[0], f"{what}_{name}", 4) for name in (FLICKER, JITTER) for what in ("mean", *sources)]
    changes[0].append(GAP)
    return "\n".join(
        [
            "# Flicker between slices",
            "",
            f"{RESEARCH_NOTICE} Decomposed images are estimates.",
            "",
            f"Figures are means over patients, of whom there are {len(patients)}. Fused images are stored as {dtype} "
            "and decomposed from that. "
            "SSIM of fused images is the mean with all sources as they were given to the method, in brackets that of "
            "their plain mean; SSIM of decomposed images is measured in the scale of each slice.",
            "",
            markdown_table(
                (
                    "method",
                    *(f"fused, {r}" for r in REGIONS),
                    *(f"decomposed {source}, {r}" for r in REGIONS for source in sources),
                ),
                similar,
            ),
            "Flicker (rms of what changes between neighbouring slices beyond the sources, in the brain) and jitter "
            "(the part that whole slices share), in shares of the range of the volume. The last row is what the "
            "sources themselves change, for comparison: their mean, and each.",
            "",
            markdown_table(
                (
                    "method",
                    *(f"{name}, {what}" for name in (FLICKER, JITTER) for what in ("fused", *sources)),
                    "seconds to fuse",
                ),
                [*flickers, *changes],
            ),
        ]
    )


def _of(sources: Sequence[str]) -> list[str]:
    return [f"decomposed_{source}" for source in sources]
