"""Orderings that hold, do not hold, or cannot be told."""

from __future__ import annotations

from fusioninn_research.orderings import compare_orderings, ranking

PAPER = {"A": 0.9, "B": 0.8, "C": 0.8, "D": 0.1, "mean": None}


def test_every_two_rows_that_the_paper_tells_apart_are_compared():
    found = compare_orderings(PAPER, {"A": 3.0, "B": 2.0, "C": 1.0, "D": 2.5, "mean": 9.0})
    assert found.hold == [("A", "B"), ("A", "C"), ("A", "D")]
    assert found.reverse == [("B", "D"), ("C", "D")]
    assert found.gaps == []


def test_equal_figures_here_do_not_hold():
    assert compare_orderings({"A": 2, "B": 1}, {"A": 0.5, "B": 0.5}).reverse == [("A", "B")]


def test_a_gap_is_neither():
    found = compare_orderings(PAPER, {"A": 1.0, "B": None, "C": 0.5})
    assert found.hold == [("A", "C")]
    assert found.gaps == [("A", "B"), ("A", "D"), ("B", "D"), ("C", "D")]


def test_a_ranking_shows_ties_and_leaves_gaps_out():
    assert ranking(PAPER) == "A > B = C > D"
    assert ranking({"A": None}) == ""
