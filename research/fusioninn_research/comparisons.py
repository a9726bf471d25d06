"""The figures of all rows with their tests against one of them, as the tables show and keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .results import RowResult
from .significance import PairedTest, compare, holm

Comparisons = dict[tuple[str, str], tuple[PairedTest, float | None]]
"""Test and its p after Holm's correction, by row and column."""

COLUMNS = [
    *("row", "figure", "patients", "slices", "seeds", "mean", "std_over_patients", "std_over_seeds"),
    *("median_difference", "difference_low", "difference_high", "p", "p_holm", "paper"),
]


def compare_rows(
    results: Mapping[str, RowResult], reference: str, columns: Sequence[str], others: Mapping[str, str] | None = None
) -> Comparisons:
    """Test every row against one of them, in every column.

    Args:
        results: results of the rows that were run.
        reference: the row that the others are compared with.
        columns: figures that are compared.
        others: rows that are compared with another one than that. Defaults to None.

    Returns:
        the tests; p is corrected for all of them together. None where the reference was not run.
    """
    bases = {name: (others or {}).get(name, reference) for name in results}
    tests = {
        (name, column): compare(result.by_patient(column), results[bases[name]].by_patient(column))
        for name, result in results.items()
        if bases[name] in results and result is not results[bases[name]]
        for column in columns
    }
    corrected = holm(pd.Series([test.p for test in tests.values()], dtype=float))
    return {
        key: (test, None if pd.isna(p) else float(p)) for (key, test), p in zip(tests.items(), corrected, strict=True)
    }


def flat_table(
    results: Mapping[str, RowResult],
    columns: Sequence[str],
    comparisons: Comparisons,
    paper: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Every figure in a row of its own.

    Args:
        results: results of the rows that were run.
        columns: figures; those that a method does not have are left out.
        comparisons: see `compare_rows`.
        paper: the paper's figures by row and column.

    Returns:
        the table; NaN where a method has no such test, spread or figure of the paper.
    """
    rows = []
    for name, result in results.items():
        for column in columns:
            spread = result.spread(column)
            if spread is None:
                continue
            test, corrected = comparisons.get((name, column), (PairedTest(0, None, None, None), None))
            low, high = test.interval or (None, None)
            rows.append(
                {
                    "row": name,
                    "figure": column,
                    "patients": len(result.by_patient(column)),
                    "slices": result.slices,
                    "seeds": len(result.seeds),
                    "mean": spread.mean,
                    "std_over_patients": spread.patients,
                    "std_over_seeds": spread.seeds,
                    "median_difference": test.difference,
                    "difference_low": low,
                    "difference_high": high,
                    "p": test.p,
                    "p_holm": corrected,
                    "paper": paper.get(name, {}).get(column),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def budgets(results: Mapping[str, RowResult]) -> dict[str, Any]:
    """What the trainings took, and the time for fusing, by row."""
    return {
        name: {"gap": result.gap, "seconds_per_slice": result.seconds_per_slice, **result.budget}
        for name, result in results.items()
    }
