"""The three-way trade: how well the fused image shows, how many bits it is stored with, how well it decomposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.data.discovery import Patient
from scripts.data.strict_json import read_json
from scripts.evaluation.regions import ssim_by_region
from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.networks.weights import fingerprint, load_weights
from scripts.outputs.levels import as_stored
from scripts.outputs.tables import write_json
from scripts.transforms.slicing import from_slices, to_slices

from .made_with import layered
from .measured_slices import MeasuredSlices, measured_slices
from .rows import Rows

FLOAT = "float32"
SHIPPED = "shipped"
REGIONS = ("slice", "brain")

Point = dict[str, Any]
"""Figures of one set of weights at one depth: "weights", "stored" (number of bits, or `FLOAT`), and means over patients
of fused_<region>, decomposed_<region> (both of all sources together) and <what>_<source>_<region>."""


class TradeCurve:
    """Decompose the same fused images from several depths of storage, for weights of several rows of a table.

    Figures are kept in ``<grid's folder>/trade/<row>.json`` and not measured again for the same weights and settings.

    Args:
        rows: rows of the table; those that are not trained are left out.
        names: which of them.
        patients: records of the patients that are measured on.
        bits: depths: numbers of bits, or "float32".
        sources: names of the sources.
        slice_step: take every n-th slice with brain. Defaults to 4.
        min_brain_fraction: see `measured_slices`. Defaults to 0.1.
        latent: latent of the decomposition; None for the kind that each row was trained with. Defaults to None.
        shipped: weights of the network of evaluate.json, another row named "shipped"; None for none.
    """

    def __init__(
        self,
        rows: Rows,
        names: Sequence[str],
        patients: Sequence[Patient],
        bits: Sequence[int | str],
        sources: Sequence[str] = ("t1gd", "flair"),
        slice_step: int = 4,
        min_brain_fraction: float = 0.1,
        latent: str | None = None,
        shipped: str | None = None,
    ) -> None:
        self.rows, self.names, self.patients = rows, list(names), list(patients)
        self.bits, self.sources = list(bits), list(sources)
        self.slice_step, self.min_brain_fraction = slice_step, min_brain_fraction
        self.latent, self.shipped = latent, shipped
        self.folder = rows.grid.folder / "trade"

    def measure(self) -> list[Point]:
        """Figures of every row that is trained, at every depth.

        Raises:
            BadInputError: see `measured_slices`, and where weights do not fit.
        """
        grid, points = self.rows.grid, []
        for name in self.names:
            cells = [cell for cell in self.rows.cells[name] if grid.trained(cell)]
            found = [
                self._kept(name, f"{cell.name}_seed{cell.seed}", grid.weights(cell), grid.evaluation_config(cell))
                for cell in cells
            ]
            points += [_mean_of(of_depth) for of_depth in zip(*found, strict=True)]
        if self.shipped:
            points += self._kept(SHIPPED, SHIPPED, Path(self.shipped), layered(["evaluate.json"], {}))
        return points

    def _kept(self, name: str, stem: str, weights: Path, config: Any) -> list[Point]:
        latent = self.latent or config.get_parsed_content("latent")
        settings = {
            "checkpoint_sha256": fingerprint(weights),
            "patients": [patient["patient"] for patient in self.patients],
            "bits": self.bits,
            "slice_step": self.slice_step,
            "min_brain_fraction": self.min_brain_fraction,
            "latent": latent,
        }
        path = self.folder / f"{stem}.json"
        kept = read_json(path) if path.is_file() else {}
        if kept.get("settings") != settings:
            network = load_weights(config.get_parsed_content("network_def"), str(weights)).eval()
            kept = {"settings": settings, "points": self._measure(network, latent, name)}
            write_json(path, kept)
        return [{"weights": name} | point for point in kept["points"]]

    def _measure(self, network: nn.Module, latent: str, name: str) -> list[Point]:
        stacks = measured_slices(
            self.patients, self.sources, self.slice_step, self.min_brain_fraction, told=f"Trade, {name}"
        )
        network = network.to(memory_format=torch.channels_last)
        found = [self.of_patient(network, slices, latent) for slices in stacks]
        return [
            {"stored": bits} | {key: float(np.mean([row[i][key] for row in found])) for key in found[0][i]}
            for i, bits in enumerate(self.bits)
        ]

    def of_patient(self, network: nn.Module, slices: MeasuredSlices, latent: str) -> list[dict[str, float]]:
        """Figures of a patient at every depth, means over its slices.

        Args:
            network: a two-dimensional `FusionINN`.
            slices: the patient.
            latent: latent of the decomposition.
        """
        regions = {"slice": torch.ones_like(slices.brain), "brain": slices.brain}
        fused, _ = fuse_volume(network, from_slices(slices.sources, 0), 0, 2, keep_latent=False)
        rows = []
        for bits in self.bits:
            stored = as_stored(fused, bits if bits == FLOAT else 2**bits - 1)
            decomposed = decompose_volume(network, stored, 0, latent, 0, 2, slices.numbers)
            images = {
                "fused": to_slices(stored, 0).expand_as(slices.sources),
                "decomposed": to_slices(decomposed, 0).clamp(max=1.0),
            }
            rows.append(_similarities(images, slices.sources, regions, self.sources))
        return rows


def _similarities(
    images: Mapping[str, torch.Tensor],
    sources: torch.Tensor,
    regions: dict[str, torch.Tensor],
    names: Sequence[str],
) -> dict[str, float]:
    row = {}
    for what, image in images.items():
        for region, scores in ssim_by_region(sources, image, regions).items():
            row[f"{what}_{region}"] = float(scores.mean())
            each = scores.mean(dim=0).tolist()
            row |= {f"{what}_{name}_{region}": value for name, value in zip(names, each, strict=True)}
    return row


def _mean_of(points: Sequence[Point]) -> Point:
    """The mean over seeds."""
    first = points[0]
    return {
        key: float(np.mean([point[key] for point in points])) if key not in ("weights", "stored") else value
        for key, value in first.items()
    }
