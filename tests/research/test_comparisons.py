"""Figures with their tests, as they are kept."""

from __future__ import annotations

import pytest

from fusioninn_research.comparisons import budgets, compare_rows, flat_rows
from fusioninn_research.results import RowResult


def result(shift: float) -> RowResult:
    return RowResult({0: {f"P{i}": {"Q": 0.1 * i + shift * (i + 1)} for i in range(10)}}, None, 40, 0.5, {"epochs": 4})


RESULTS = {"base": result(0.0), "better": result(0.01), "worse": result(-0.01), "missing": RowResult(gap="not run")}


def test_every_row_but_the_reference_is_tested_and_corrected_for_all():
    found = compare_rows(RESULTS, "base", ["Q"])
    assert list(found) == [("better", "Q"), ("worse", "Q")]
    test, corrected = found["better", "Q"]
    assert test.p == pytest.approx(2 / 2**10)
    assert corrected == pytest.approx(2 * 2 / 2**10)
    assert test.difference == pytest.approx(0.055)


def test_without_the_reference_nothing_is_tested():
    assert compare_rows(RESULTS, "missing", ["Q"]) == {}


def test_a_gap_is_empty_in_the_flat_table():
    rows = {
        row["row"]: row for row in flat_rows(RESULTS, ["Q"], compare_rows(RESULTS, "base", ["Q"]), {"base": {"Q": 1}})
    }
    assert rows["missing"]["gap"] == "not run"
    assert [rows["missing"][key] for key in ("mean", "std_over_patients", "p", "paper")] == [None] * 4
    assert rows["base"]["mean"] == pytest.approx(0.45)
    assert (rows["base"]["paper"], rows["base"]["patients"], rows["base"]["p"]) == (1, 10, None)
    assert rows["worse"]["median_difference"] == pytest.approx(-0.055)


def test_budgets_are_kept():
    assert budgets(RESULTS)["base"] == {"gap": None, "seconds_per_slice": 0.5, "epochs": 4}
