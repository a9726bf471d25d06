"""Measure a network on patients with both sources: what the fused image keeps and what comes back from it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.data.slices import brain_mask
from scripts.inferers.slicewise import decompose_volume, fuse_volume, restore_volume
from scripts.losses.ssim import SSIM
from scripts.outputs.writing import result_file
from scripts.transforms.slicing import to_slices

from .fuse import as_stored, check_settings, check_sources

REGIONS = ("slice", "brain", "lesion")


def ssim_by_region(
    image: torch.Tensor, other: torch.Tensor, regions: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Mean SSIM over the windows whose centre lies in a region.

    Args:
        image: slices of shape (S, N, H, W) in [0, 1].
        other: slices of the same shape.
        regions: masks (S, 1, H, W) by name.

    Returns:
        tensors of shape (S, N) by name; NaN where a slice has no pixel of the region.
    """
    ssim = SSIM()
    margin = ssim.taps.numel() // 2
    similarity = ssim.similarity_map(image, other)
    values = {}
    for name, mask in regions.items():
        weight = mask[:, :, margin:-margin, margin:-margin].to(similarity)
        values[name] = (similarity * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
    return values


class EvaluateVolume:
    """Fuse, store, decompose, and compare slice by slice, beside the mean and the maximum of the sources.

    Args:
        sources: names of the sources.
        dtype: how the fused image is stored before it is decomposed. Defaults to "uint8".
        latent: distribution of the fresh latent. Defaults to "normal".
        seed: seed of the latent. Defaults to 0.
        min_brain_fraction: slices with less brain than this share of their area are left out. Defaults to 0.1.
        slices_at_once: slices in a batch. Defaults to 2.
    """

    def __init__(
        self,
        sources: list[str],
        dtype: str = "uint8",
        latent: str = "normal",
        seed: int = 0,
        min_brain_fraction: float = 0.1,
        slices_at_once: int = 2,
    ) -> None:
        check_settings(dtype, latent, seed, slices_at_once)
        self.sources = list(sources)
        self.dtype = dtype
        self.latent = latent
        self.seed = seed
        self.min_brain_fraction = min_brain_fraction
        self.slices_at_once = slices_at_once

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Measure one patient.

        Args:
            network: a two-dimensional `FusionINN`.
            data: "image" (N, X, Y, Z) normalised, "intensity_scale", and "seg" (1, X, Y, Z) where there is one.

        Returns:
            "rows": a dictionary of figures for every slice. Fused columns are of the mean SSIM with all sources.

        Raises:
            BadInputError: when no slice has enough brain, or slices are smaller than the window of SSIM.
        """
        axis = data["intensity_scale"]["slice_axis"]
        image = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        check_sources(network, len(image))
        brain = brain_mask(image)
        keep = to_slices(brain.float(), axis).mean(dim=(1, 2, 3)) >= self.min_brain_fraction
        numbers = torch.nonzero(keep).flatten().tolist()
        if not numbers:
            raise BadInputError(
                f"{data['patient']} has no slice with brain on {self.min_brain_fraction:.0%} of its area or more. "
                "Lower --min_brain_fraction, or leave the patient out."
            )
        window = SSIM().taps.numel()
        if min(to_slices(image, axis).shape[2:]) < window:
            raise BadInputError(
                f"{data['patient']} has slices of {tuple(to_slices(image, axis).shape[2:])} pixels, but SSIM needs "
                f"{window} x {window} at least. Leave the patient out."
            )
        fused, latent = fuse_volume(network, image, axis, self.slices_at_once)
        error = (restore_volume(network, fused, latent, axis, self.slices_at_once) - image).abs()
        stored = as_stored(fused, self.dtype)
        decomposed = decompose_volume(network, stored, axis, self.latent, self.seed, self.slices_at_once)
        volumes = {
            "fused": stored.expand_as(image),
            "mean": image.mean(dim=0, keepdim=True).expand_as(image),
            "max": image.amax(dim=0, keepdim=True).expand_as(image),
            "decomposed": decomposed,
        }
        lesion = torch.as_tensor(np.asarray(data["seg"])) > 0 if "seg" in data else torch.zeros_like(brain)
        masks = {"slice": torch.ones_like(brain), "brain": brain, "lesion": lesion & brain}
        regions = {name: to_slices(mask, axis)[keep] for name, mask in masks.items()}
        first = to_slices(image, axis)[keep]
        scores = {
            name: ssim_by_region(first, to_slices(volume, axis)[keep], regions) for name, volume in volumes.items()
        }
        errors = to_slices(error, axis)[keep].amax(dim=(1, 2, 3))
        spread = to_slices(latent, axis)[keep].std(dim=(1, 2, 3))
        return {"rows": [self._row(scores, errors, spread, i, number) for i, number in enumerate(numbers)]}

    def _row(
        self,
        scores: dict[str, dict[str, torch.Tensor]],
        errors: torch.Tensor,
        spread: torch.Tensor,
        i: int,
        number: int,
    ) -> dict[str, float]:
        row: dict[str, float] = {"slice": number}
        for region in REGIONS:
            for name in ("fused", "mean", "max"):
                row[f"{name}_{region}"] = float(scores[name][region][i].mean())
            for name in ("fused", "decomposed"):
                for source, value in zip(self.sources, scores[name][region][i], strict=True):
                    row[f"{name}_{source}_{region}"] = float(value)
        row["roundtrip_error"] = float(errors[i])
        row["latent_std"] = float(spread[i])
        return row


class EvaluationTables:
    """Collect the figures of all patients; write them per slice, per patient, and in sum.

    ``slices.csv``, ``patients.csv`` and ``summary.json`` are brought up to date after every patient.

    Args:
        output_dir: folder for the tables.
        settings: what was measured, kept in the summary.
    """

    def __init__(self, output_dir: str, settings: dict[str, Any]) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.settings = settings
        self.rows: list[dict[str, Any]] = []

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Add a patient.

        Returns:
            the files written.
        """
        self.rows += [{"patient": data["patient"], **row} for row in results["rows"]]
        columns = [name for name in self.rows[0] if name not in ("patient", "slice")]
        by_patient: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            by_patient.setdefault(row["patient"], []).append(row)
        means = {
            patient: {"slices": len(rows), **{name: _mean([row[name] for row in rows]) for name in columns}}
            for patient, rows in by_patient.items()
        }
        summary = {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "settings": self.settings,
            "patients": len(means),
            "slices": len(self.rows),
            "mean_over_slices": {name: _mean([row[name] for row in self.rows]) for name in columns},
            "mean_over_patients": {name: _mean([row[name] for row in means.values()]) for name in columns},
            "std_over_patients": {name: _std([row[name] for row in means.values()]) for name in columns},
            "largest_roundtrip_error": max(row["roundtrip_error"] for row in self.rows),
        }
        patients = [{"patient": patient, **row} for patient, row in means.items()]
        paths = [self.output_dir / name for name in ("slices.csv", "patients.csv", "summary.json")]
        _write_csv(paths[0], self.rows)
        _write_csv(paths[1], patients)
        with result_file(paths[2], suffix=".json") as temporary:
            Path(temporary).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        return [str(path) for path in paths]


def _mean(values: list[float]) -> float | None:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return round(float(np.mean(known)), 6) if known else None


def _std(values: list[float]) -> float | None:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return round(float(np.std(known, ddof=1)), 6) if len(known) > 1 else None


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with result_file(path, suffix=".csv") as temporary, Path(temporary).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Any) -> Any:
    """A number to 6 places; nothing where there is none, for instance in the lesion of a slice without one."""
    if not isinstance(value, float):
        return value
    return f"{value:.6f}" if np.isfinite(value) else ""
