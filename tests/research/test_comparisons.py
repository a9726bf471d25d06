"""Figures with their tests, as they are kept."""

from __future__ import annotations

import pytest

from fusioninn_research.comparisons import budgets, compare_rows, flat_table
from fusioninn_research.results import RowResult


def result(shift: float) -> RowResult:
    return RowResult.of(
        {0: {f"P{i}": {"Q": 0.1 * i + shift * (i + 1)} for i in range(10)}}, None, 40, 0.5, {"epochs": 4}
    )


RESULTS = {"base": result(0.0), "better": result(0.01), "worse": result(-0.01)}


def test_every_row_but_the_reference_is_tested_and_corrected_for_all():
    found = compare_rows(RESULTS, "base", ["Q"])
    assert list(found) == [("better", "Q"), ("worse", "Q")]
    test, corrected = found["better", "Q"]
    assert test.p == pytest.approx(2 / 2**10)
    assert corrected == pytest.approx(2 * 2 / 2**10)
    assert test.difference == pytest.approx(0.055)


def test_without_the_reference_nothing_is_tested():
    assert compare_rows(RESULTS, "not run", ["Q"]) == {}


def test_the_flat_table_holds_a_row_for_each_figure_there_is():
    tests = compare_rows(RESULTS, "base", ["Q"])
    table = flat_table(RESULTS, ["Q", "unknown"], tests, {"base": {"Q": 1}}).set_index("row")
    assert list(table["figure"]) == ["Q"] * 3
    assert table.loc["base", "mean"] == pytest.approx(0.45)
    assert list(table.loc["base", ["paper", "patients"]]) == [1, 10]
    assert list(table["p"].isna()) == [True, False, False]
    assert table.loc["worse", "median_difference"] == pytest.approx(-0.055)


def test_budgets_are_kept():
    assert budgets(RESULTS)["base"] == {"gap": None, "seconds_per_slice": 0.5, "epochs": 4}
