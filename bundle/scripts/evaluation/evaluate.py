"""Evaluate fusion and decomposition of a method on patients with all sources."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.cases.fuse import check_settings, check_sources
from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.slices import brain_mask
from scripts.inferers.slices_at_once import AUTO, or_else
from scripts.inferers.slicewise import (
    decompose_volume,
    device_and_precision,
    fuse_volume,
    restore_volume,
    sees_neighbours,
)
from scripts.losses.ssim import SSIM
from scripts.metrics import decomposition_scores, fusion_scores
from scripts.metrics.haar_energy import BANDS, haar_energy, haar_ratio
from scripts.metrics.scores import WITH_VARIANTS
from scripts.metrics.variants import VARIANTS
from scripts.outputs.levels import as_stored
from scripts.transforms.slicing import to_slices

from .regions import REGIONS, ssim_by_region

BOTH = "both"
METRICS_VARIANTS = (*VARIANTS, BOTH)
METRICS_AT_ONCE = 2
"""Slices whose metrics are computed together, where `slices_at_once` is left to the machine."""


@dataclass(frozen=True)
class Applied:
    """Results of a method for a patient.

    Attributes:
        slices: "fused" and, if the method can decompose, "decomposed": the measured slices (slices, N, H, W), as
            stored.
        way_back: "roundtrip_error" and "latent_std" of every slice if the method is invertible, else empty.
        seconds: time for fusion.
    """

    slices: dict[str, torch.Tensor]
    way_back: dict[str, torch.Tensor]
    seconds: float


class EvaluateVolume:
    """Fuse, store, decompose, and compare slice by slice, along with the mean and maximum of the sources.

    For a method without ``decompose`` the columns of decomposed images are omitted.

    Args:
        sources: names of the sources.
        dtype: how the fused image is stored before it is decomposed. Defaults to "uint8".
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        min_brain_fraction: smallest share of brain in a slice's area; other slices are skipped. Defaults to 0.1.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
        slice_step: measure every n-th of the remaining slices. Defaults to 1.
        metrics: compute the fusion metrics of `scripts.metrics`, on 8-bit images by their definition, and those of the
            decomposition. Defaults to True.
        metrics_variant: "full"; "centre" as in the scripts published with the paper; "both", with the suffix "_centre"
            for the second. Defaults to "full".
    """

    def __init__(
        self,
        sources: list[str],
        dtype: str = "uint8",
        latent: str = "zeros",
        seed: int = 0,
        min_brain_fraction: float = 0.1,
        slices_at_once: int | str = AUTO,
        slice_step: int = 1,
        metrics: bool | str = True,
        metrics_variant: str = "full",
    ) -> None:
        check_settings(dtype, latent, seed, slices_at_once)
        if not isinstance(slice_step, int) or slice_step < 1:
            raise BadInputError(f"slice_step is {slice_step!r}, expected a whole number from 1 on.")
        if metrics_variant not in METRICS_VARIANTS:
            raise BadInputError(
                f"metrics_variant is '{metrics_variant}', expected one of {', '.join(METRICS_VARIANTS)}."
            )
        self.sources = list(sources)
        self.dtype = dtype
        self.latent = latent
        self.seed = seed
        self.min_brain_fraction = min_brain_fraction
        self.slices_at_once = slices_at_once
        self.slice_step = slice_step
        self.metrics = is_true(metrics)
        self.metrics_variant = metrics_variant

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Measure one patient.

        Args:
            network: a method whose ``forward`` returns the fused image, or fused image and latent. A three-dimensional
                method fuses the whole volume, and the chosen slices are measured.
            data: "image" (N, X, Y, Z) normalised, "intensity_scale", and optionally "seg" (1, X, Y, Z).

        Returns:
            "patient"; "rows": a dictionary of scores for every slice, where fused columns are the mean SSIM with all
            sources; "seconds": time for fusing them all, or the whole volume.

        Raises:
            BadInputError: when no slice has enough brain, or slices are smaller than the window of SSIM.
        """
        axis = data["intensity_scale"]["slice_axis"]
        whole = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        check_sources(network, len(whole))
        brain = brain_mask(whole)
        lesion = torch.as_tensor(np.asarray(data["seg"])) > 0 if "seg" in data else torch.zeros_like(brain)
        numbers = slices_with_brain(brain, axis, data["patient"], self.min_brain_fraction, self.slice_step)
        sources, brain, lesion = (
            to_slices(volume.index_select(axis + 1, numbers), axis) for volume in (whole, brain, lesion & brain)
        )

        applied = self._apply(network, whole, axis, numbers)
        slices = {
            **applied.slices,
            "mean": sources.mean(dim=1, keepdim=True).expand_as(sources),
            "max": sources.amax(dim=1, keepdim=True).expand_as(sources),
        }
        regions = {"slice": torch.ones_like(brain), "brain": brain, "lesion": lesion}
        rows: list[dict[str, float]] = [{"slice": number} for number in numbers.tolist()]
        _add(rows, self._similarities(sources, slices, regions))
        _add(rows, self._details(sources, slices, brain))
        _add(rows, applied.way_back)
        if self.metrics:
            like = device_and_precision(network)
            at_once = or_else(self.slices_at_once, METRICS_AT_ONCE)
            for start in range(0, len(rows), at_once):
                batch = slice(start, start + at_once)
                parts = {name: part[batch].to(like.device) for name, part in slices.items()}
                _add(rows[batch], self._scores(sources[batch].to(like.device), parts))
        return {"patient": data["patient"], "rows": rows, "seconds": applied.seconds}

    def _apply(self, network: nn.Module, whole: torch.Tensor, axis: int, numbers: torch.Tensor) -> Applied:
        """Fuse, store, and decompose if the method can."""
        whole_volume = sees_neighbours(network)
        seen = whole if whole_volume else whole.index_select(axis + 1, numbers)
        measured = numbers if whole_volume else torch.arange(len(numbers))

        def chosen(volume: torch.Tensor) -> torch.Tensor:
            return to_slices(volume.index_select(axis + 1, measured), axis)

        start = time.perf_counter()
        fused, latent = fuse_volume(network, seen, axis, self.slices_at_once)
        seconds = time.perf_counter() - start
        stored = as_stored(fused, self.dtype)
        slices = {"fused": chosen(stored).expand(-1, len(whole), -1, -1)}
        if latent is None or not hasattr(network, "decompose"):
            return Applied(slices, {}, seconds)
        error = (restore_volume(network, fused, latent, axis, self.slices_at_once) - seen).abs()
        way_back = {
            "roundtrip_error": chosen(error).amax(dim=(1, 2, 3)),
            "latent_std": chosen(latent).std(dim=(1, 2, 3)),
        }
        drawn_for = None if whole_volume else numbers.tolist()
        slices["decomposed"] = chosen(
            decompose_volume(network, stored, axis, self.latent, self.seed, self.slices_at_once, drawn_for)
        )
        return Applied(slices, way_back, seconds)

    def _similarities(
        self, sources: torch.Tensor, slices: dict[str, torch.Tensor], regions: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        scores = {name: ssim_by_region(sources, volume, regions) for name, volume in slices.items()}
        columns = {}
        for region in REGIONS:
            for name in ("fused", "mean", "max"):
                columns[f"{name}_{region}"] = scores[name][region].mean(dim=1)
            for name in ("fused", "decomposed"):
                if name in scores:
                    columns |= self._by_source(name, region, scores[name][region])
        return columns

    def _details(
        self, sources: torch.Tensor, slices: dict[str, torch.Tensor], brain: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Compute the finest detail in the brain, which exceeds that of the sources if the code is visible."""
        of_sources = haar_energy(sources, brain)
        energies = {"fused": haar_energy(slices["fused"][:, :1], brain)}
        energies |= {name: of_sources[:, [i]] for i, name in enumerate(self.sources)}
        if "decomposed" in slices:
            decomposed = haar_energy(slices["decomposed"], brain)
            energies |= {f"decomposed_{name}": decomposed[:, [i]] for i, name in enumerate(self.sources)}
        columns = {
            f"{name}_haar_{band}": energy[:, 0, i] for name, energy in energies.items() for i, band in enumerate(BANDS)
        }
        made = {name: energy for name, energy in energies.items() if name not in self.sources}
        return columns | {f"{name}_haar_ratio": haar_ratio(energy, of_sources)[:, 0] for name, energy in made.items()}

    def _scores(self, sources: torch.Tensor, slices: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Compute the metrics of `scripts.metrics` for a batch of slices."""
        fused, grey = as_stored(slices["fused"][:, :1], "uint8"), as_stored(sources, "uint8")
        columns = dict(fusion_scores(fused, grey, "centre" if self.metrics_variant == "centre" else "full"))
        if self.metrics_variant == BOTH:
            centre = fusion_scores(fused, grey, "centre", metrics=WITH_VARIANTS)
            columns |= {f"{metric}_centre": values for metric, values in centre.items()}
        if "decomposed" in slices:
            shown, whole = as_stored(slices["decomposed"], "float32"), as_stored(sources, "float32")
            for metric, values in decomposition_scores(shown, whole).items():
                columns |= self._by_source("decomposed", metric, values)
        return columns

    def _by_source(self, name: str, what: str, values: torch.Tensor) -> dict[str, torch.Tensor]:
        return {f"{name}_{source}_{what}": column for source, column in zip(self.sources, values.T, strict=True)}


def slices_with_brain(
    brain: torch.Tensor, axis: int, patient: str, fraction: float = 0.1, step: int = 1
) -> torch.Tensor:
    """Return the indices of the slices of a patient to measure.

    Args:
        brain: mask (1, X, Y, Z).
        axis: spatial axis along which the slices are taken.
        patient: name, for messages.
        fraction: smallest share of brain in a slice's area; other slices are skipped. Defaults to 0.1.
        step: take every n-th of the remaining slices. Defaults to 1.

    Raises:
        BadInputError: when no slice has enough brain, or slices are smaller than the window of SSIM.
    """
    slices = to_slices(brain, axis)
    numbers = torch.nonzero(slices.float().mean(dim=(1, 2, 3)) >= fraction).flatten()
    if not len(numbers):
        raise BadInputError(
            f"{patient} has no slice with brain on {fraction:.0%} of its area or more. "
            "Lower --min_brain_fraction, or leave the patient out."
        )
    size, window = tuple(slices.shape[2:]), SSIM().taps.numel()
    if min(size) < window:
        raise BadInputError(
            f"{patient} has slices of {size} pixels, but SSIM needs at least {window} x {window}. "
            "Leave the patient out."
        )
    return numbers[::step]


def _add(rows: list[dict[str, float]], columns: dict[str, torch.Tensor]) -> None:
    """Write a value of each column into every row."""
    for name, values in columns.items():
        for row, value in zip(rows, _plain(values), strict=True):
            row[name] = value


def _plain(values: torch.Tensor) -> Iterator[float]:
    return iter(values.double().cpu().tolist())
