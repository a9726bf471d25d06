"""Figures of evaluated cells."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from scripts.data.strict_json import read_json

PatientFigures = dict[str, dict[str, float]]
"""Figures by patient and column; what a patient has no figure of is not in it."""


@dataclass(frozen=True)
class Spread:
    """A figure over patients and over seeds.

    Args:
        mean: over patients, each being the mean of its seeds.
        patients: standard deviation over patients; None for one patient.
        seeds: standard deviation over the means of the seeds; None for one seed.
    """

    mean: float
    patients: float | None
    seeds: float | None


@dataclass(frozen=True)
class RowResult:
    """What was found for a row of a table.

    Args:
        seeds: figures of the patients by seed; empty for a gap.
        gap: why there is nothing, or that seeds are missing.
        slices: slices measured, in one seed.
        seconds_per_slice: time for fusing a slice, mean over seeds.
        budget: what the training took: "epochs", "steps", "batch_size", "image_size", "training_patients".
    """

    seeds: Mapping[int, PatientFigures] = field(default_factory=dict)
    gap: str | None = None
    slices: int = 0
    seconds_per_slice: float | None = None
    budget: Mapping[str, object] = field(default_factory=dict)

    def by_patient(self, column: str) -> dict[str, float]:
        """A figure of every patient, the mean of its seeds."""
        found: dict[str, list[float]] = {}
        for figures in self.seeds.values():
            for patient, row in figures.items():
                if column in row:
                    found.setdefault(patient, []).append(row[column])
        return {patient: float(np.mean(values)) for patient, values in found.items()}

    def with_share(self, column: str, of: Mapping[str, float]) -> RowResult:
        """The same with a further figure, ``<column>_share``: what a figure is to another of the same patient."""
        shared = {
            seed: {
                patient: row | {f"{column}_share": row[column] / of[patient]}
                if column in row and of.get(patient)
                else row
                for patient, row in figures.items()
            }
            for seed, figures in self.seeds.items()
        }
        return replace(self, seeds=shared)

    def spread(self, column: str) -> Spread | None:
        """A figure over patients and seeds, None where there is none."""
        patients = list(self.by_patient(column).values())
        if not patients:
            return None
        seeds = [np.mean([row[column] for row in figures.values() if column in row]) for figures in self.seeds.values()]
        return Spread(float(np.mean(patients)), _deviation(patients), _deviation(seeds))


def read_patients(folder: Path) -> PatientFigures:
    """Read ``patients.csv`` of an evaluation."""
    with (folder / "patients.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        row["patient"]: {name: float(value) for name, value in row.items() if name != "patient" and value != ""}
        for row in rows
    }


def read_summary(folder: Path) -> dict:
    """Read ``summary.json`` of an evaluation."""
    return read_json(folder / "summary.json")


def _deviation(values: list[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
