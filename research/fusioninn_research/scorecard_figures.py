"""Figures of many slices: their mean, their spread over patients, and who is worst."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scripts.data.errors import BadInputError
from scripts.metrics.haar_energy import BANDS
from scripts.outputs.tables import deviation_of, known, mean_of

TEXTS = ("patient", "kind")


class Spread(NamedTuple):
    """Mean over slices, and mean and standard deviation over patients; None where there is nothing."""

    slices: float | None
    patients: float | None
    deviation: float | None


class Figures:
    """Columns of figures by slice.

    Args:
        rows: "patient" and figures of every slice; what is None or lacks counts nowhere.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = list(rows)
        self.patients: dict[str, list[Mapping[str, Any]]] = {}
        for row in self.rows:
            self.patients.setdefault(row["patient"], []).append(row)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Figures:
        """Read a table by slices that was written as CSV.

        Raises:
            BadInputError: when there is none.
        """
        try:
            with Path(path).open(newline="", encoding="utf-8") as file:
                return cls({name: _cell(name, cell) for name, cell in row.items()} for row in csv.DictReader(file))
        except (OSError, ValueError, KeyError) as error:
            raise BadInputError(f"{path} is no table of figures by slice ({error}). Measure again.") from error

    def where(self, keep: Callable[[Mapping[str, Any]], bool]) -> Figures:
        """Return the figures of some slices."""
        return Figures(row for row in self.rows if keep(row))

    def known(self, column: str) -> Figures:
        """Return the figures of the slices that have one in a column."""
        return self.where(lambda row: known(row.get(column)) is not None)

    def values(self, column: str) -> list[float]:
        """Return the figures of a column that there are."""
        return [row[column] for row in self.known(column).rows]

    def mean(self, column: str) -> float | None:
        """Return the mean over slices."""
        return mean_of(self.values(column))

    def largest(self, column: str) -> float | None:
        """Return the largest figure."""
        return max(self.values(column), default=None)

    def by_patient(self, column: str) -> dict[str, float]:
        """Return each patient's mean over slices, of those that have one."""
        means = {name: mean_of([row.get(column) for row in rows]) for name, rows in self.patients.items()}
        return {name: mean for name, mean in means.items() if mean is not None}

    def spread(self, column: str) -> Spread:
        """Return mean over slices, mean over patients and standard deviation over patients."""
        means = list(self.by_patient(column).values())
        return Spread(self.mean(column), mean_of(means), deviation_of(means))

    def difference(self, column: str, base: str) -> float | None:
        """Return how much higher the mean over slices of one column is than that of another."""
        one, other = self.mean(column), self.mean(base)
        return None if one is None or other is None else one - other

    def bands(self, image: str) -> dict[str, dict[str, float]]:
        """Return the root mean square of each finest Haar band of an image in the brain, by band and patient."""
        found = {band: {name: _pooled(rows, image, band) for name, rows in self.patients.items()} for band in BANDS}
        return {band: {name: one for name, one in of.items() if one is not None} for band, of in found.items()}

    def band_ratios(self, image: str, sources: Sequence[str]) -> dict[str, dict[str, float]]:
        """Return `bands` of an image as shares of the larger source's in the same band of the same patient."""
        own, others = self.bands(image), [self.bands(source) for source in sources]
        ratios: dict[str, dict[str, float]] = {}
        for band in BANDS:
            richest = {name: max(other[band].get(name, 0.0) for other in others) for name in own[band]}
            ratios[band] = {name: own[band][name] / most for name, most in richest.items() if most > 0}
        return ratios


def _pooled(rows: Sequence[Mapping[str, Any]], image: str, band: str) -> float | None:
    """Root mean square over the slices of a patient, which count by their brain."""
    energies = [(row, known(row.get(f"{image}_haar_{band}"))) for row in rows]
    parts = [(row["brain_fraction"], energy) for row, energy in energies if energy is not None]
    total = math.fsum(weight for weight, _ in parts)
    return math.sqrt(math.fsum(weight * energy**2 for weight, energy in parts) / total) if parts else None


def _cell(name: str, cell: str) -> Any:
    if name in TEXTS:
        return cell
    return float(cell) if cell else None
