"""Results of evaluated cells, as a table of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from scripts.data.strict_json import read_json


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


@dataclass(frozen=True, eq=False)
class RowResult:
    """Results of a row of a table.

    Args:
        figures: one row for each seed and patient (index), one column for each figure, NaN where it is missing; empty
            for a row that was not run.
        gap: why there is nothing, or which seeds are missing.
        slices: slices measured, in one seed.
        seconds_per_slice: time for fusing a slice, mean over seeds.
        budget: what the training took: "epochs", "steps", "batch_size", "image_size", "training_patients".
    """

    figures: pd.DataFrame = field(default_factory=pd.DataFrame)
    gap: str | None = None
    slices: int = 0
    seconds_per_slice: float | None = None
    budget: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, seeds: Mapping[int, pd.DataFrame | Mapping[str, Mapping[str, float]]], *args: object) -> RowResult:
        """Make a result of the tables of several seeds; further arguments as for the class.

        Args:
            seeds: figures by patient (index) and column, by seed.
            args: the other arguments.
        """
        tables = {
            seed: table if isinstance(table, pd.DataFrame) else pd.DataFrame.from_dict(table, orient="index")
            for seed, table in seeds.items()
        }
        return cls(pd.concat(tables, names=["seed", "patient"]), *args)

    @property
    def seeds(self) -> list[int]:
        """Seeds that were run."""
        return [] if self.figures.empty else list(self.figures.index.unique("seed"))

    def by_patient(self, column: str) -> pd.Series:
        """A figure of every patient that has one, the mean of its seeds."""
        if column not in self.figures:
            return pd.Series(dtype=float)
        return self.figures[column].unstack("seed").mean(axis=1).dropna()

    def with_share(self, column: str, of: pd.Series) -> RowResult:
        """The same with a further figure, ``<column>_share``: what a figure is to another of the same patient."""
        if column not in self.figures:
            return self
        share = self.figures[column].div(of[of != 0], level="patient")
        return replace(self, figures=self.figures.assign(**{f"{column}_share": share}))

    def spread(self, column: str) -> Spread | None:
        """A figure over patients and seeds, None where there is none."""
        patients = self.by_patient(column)
        if patients.empty:
            return None
        return Spread(
            float(np.mean(patients.to_numpy())),
            _deviation(patients),
            _deviation(self.figures[column].unstack("seed").mean()),
        )


def read_patients(folder: Path) -> pd.DataFrame:
    """Read ``patients.csv`` of an evaluation."""
    return pd.read_csv(folder / "patients.csv", index_col="patient", dtype={"patient": str})


def read_summary(folder: Path) -> dict:
    """Read ``summary.json`` of an evaluation."""
    return read_json(folder / "summary.json")


def _deviation(values: pd.Series) -> float | None:
    return float(np.std(values.to_numpy(), ddof=1)) if len(values) > 1 else None
