"""The figures of all rows with their tests against one of them, as the tables show and keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .results import RowResult
from .significance import PairedTest, compare, holm

Comparisons = dict[tuple[str, str], tuple[PairedTest, float | None]]
"""Test and its p after Holm's correction, by row and column."""


def compare_rows(
    results: Mapping[str, RowResult], reference: str, columns: Sequence[str], others: Mapping[str, str] | None = None
) -> Comparisons:
    """Test every row against one of them, in every column.

    Args:
        results: results by row.
        reference: the row that the others are compared with.
        columns: figures that are compared.
        others: rows that are compared with another one than that. Defaults to None.

    Returns:
        the tests; p is corrected for all of them together. None where the reference is a gap.
    """
    bases = {name: results[(others or {}).get(name, reference)] for name in results}
    tests = {
        (name, column): compare(result.by_patient(column), bases[name].by_patient(column))
        for name, result in results.items()
        if result is not bases[name] and result.seeds and bases[name].seeds
        for column in columns
    }
    corrected = holm([test.p for test in tests.values()])
    return {key: (test, p) for (key, test), p in zip(tests.items(), corrected, strict=True)}


def flat_rows(
    results: Mapping[str, RowResult],
    columns: Sequence[str],
    comparisons: Comparisons,
    paper: Mapping[str, Mapping[str, float]],
) -> list[dict[str, Any]]:
    """One figure a row, for a CSV.

    Args:
        results: results by row.
        columns: figures.
        comparisons: see `compare_rows`.
        paper: the paper's figures by row and column.

    Returns:
        dictionaries of the same keys; None where there is nothing.
    """
    rows = []
    for name, result in results.items():
        for column in columns:
            spread = result.spread(column)
            test, corrected = comparisons.get((name, column), (None, None))
            interval = (test.interval if test else None) or (None, None)
            rows.append(
                {
                    "row": name,
                    "figure": column,
                    "gap": result.gap,
                    "patients": len(result.by_patient(column)),
                    "slices": result.slices,
                    "seeds": len(result.seeds),
                    "mean": spread.mean if spread else None,
                    "std_over_patients": spread.patients if spread else None,
                    "std_over_seeds": spread.seeds if spread else None,
                    "median_difference": test.difference if test else None,
                    "difference_low": interval[0],
                    "difference_high": interval[1],
                    "p": test.p if test else None,
                    "p_holm": corrected,
                    "paper": paper.get(name, {}).get(column),
                }
            )
    return rows


def budgets(results: Mapping[str, RowResult]) -> dict[str, Any]:
    """What the trainings took, and the time for fusing, by row."""
    return {
        name: {"gap": result.gap, "seconds_per_slice": result.seconds_per_slice, **result.budget}
        for name, result in results.items()
    }
