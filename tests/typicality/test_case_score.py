"""Scoring a case, and the likely reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.typicality.case_score import CaseScore, ScoreCase, warning

USUAL = CaseScore(score=1.0, order_ratio=0.5, displacement=1.0, rank_correlation=0.3, threshold=2.0)
SOURCES = ("t1gd", "flair")


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"score": 2.5}, None),
        ({"order_ratio": 1.5}, "as if t1gd and flair were swapped"),
        ({"displacement": 7.2}, "as if flair were not registered to t1gd (their edges agree best 7 pixels away)"),
        ({"score": 9.0, "rank_correlation": 1.0, "order_ratio": 2.0}, "t1gd and flair show the same image"),
    ],
)
def test_what_is_unusual_is_reported_with_a_reason_where_it_is_clear(figures, reason):
    case = replace(USUAL, **figures)
    assert case.unusual
    assert case.reason(SOURCES) == reason


def test_a_usual_case_is_not_warned_of():
    assert not USUAL.unusual
    assert USUAL.reason(SOURCES) is None


def test_a_case_is_scored_on_the_slices_of_the_reference(network, case, reference):
    report = ScoreCase(reference)(network, case, 2)
    assert report["Slices"] == [0, 2, 3, 5]
    assert len(report["SliceScores"]) == 4
    assert report["Unusual"] is False
    assert report["LikelyReason"] is None
    assert report["Score"] < report["Threshold"]
    assert report["OrderRatio"] < 1


def test_the_same_case_with_its_sources_swapped_is_reported(network, case, reference):
    report = ScoreCase(reference)(network, case.flip(0), 2)
    assert report["Unusual"] is True
    assert report["LikelyReason"] == "as if t1gd and flair were swapped"
    assert "P looks unlike the training data" in warning("P", report)
    assert "were swapped. Check the images" in warning("P", report)


def test_the_only_reason_reported_for_pictures_is_that_both_are_the_same(network, case, reference):
    score = ScoreCase(reference, pictures=True)
    swapped = score(network, case.flip(0)[..., 2:3], 2)
    assert (swapped["Unusual"], swapped["LikelyReason"], swapped["Slices"]) == (True, None, [0])
    assert "NominalFalseAlarmRate" not in swapped
    assert "P looks unlike the training data" in warning("P", swapped)
    same = score(network, case[[0, 0]][..., 2:3], 2)
    assert (same["Unusual"], same["LikelyReason"]) == (True, "both show the same image")


def test_a_reason_alone_is_not_reported_as_an_unusual_score():
    report = {"LikelyReason": "as if t1gd and flair were swapped", "Score": 1.14, "Threshold": 2.06}
    told = warning("P", report)
    assert told.startswith(
        "P looks unlike the training data (not by its typicality score 1.14, usual up to 2.06): as if t1gd"
    )


def test_neither_the_units_nor_the_axis_matter(network, case, reference):
    score = ScoreCase(reference)
    plain = score(network, case, 2)
    assert score(network, 700 * case, 2)["Score"] == pytest.approx(plain["Score"], abs=0.01)
    assert score(network, case.movedim(3, 1), 0)["Score"] == pytest.approx(plain["Score"], abs=0.01)


def test_what_cannot_be_scored_is_reported(network, reference):
    with pytest.raises(BadInputError, match="for two sources only, got 3"):
        ScoreCase(reference)(network, torch.ones(3, 8, 8, 2), 2)
    with pytest.raises(BadInputError, match="no slice shows anything"):
        ScoreCase(reference)(network, torch.zeros(2, 8, 8, 2), 2)
