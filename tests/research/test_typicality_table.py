"""Figures of the typicality report."""

from __future__ import annotations

import numpy as np
import pytest

from fusioninn_research.typicality_table import (
    CHOSEN,
    PICTURES,
    RAW,
    UNSEEN,
    USUAL,
    Case,
    area_under_curve,
    summary,
    typicality_markdown,
)
from scripts.typicality.case_score import CaseScore
from scripts.typicality.mahalanobis import Mahalanobis
from scripts.typicality.reference import Reference

REFERENCE = Reference(
    "ab",
    ("t1gd", "flair"),
    4,
    None,
    Mahalanobis(("edges",), (0.0,), ((1.0,),)),
    Mahalanobis(("rim_1", "rim_2"), (0.0, 1.0), ((1.0, 0.0), (0.0, 1.0))),
    2.0,
    0.05,
)


def case(kind, edges, group=UNSEEN, rims=(0.0, 1.0)):
    values = {"edges": edges, "rim_1": rims[0], "rim_2": rims[1], "displacement": 0, "rank_correlation": 0, "energy": 7}
    statistics = {name: np.array([float(value)]) for name, value in values.items()}
    return Case.of(group, kind, f"{edges}", statistics, {CHOSEN: REFERENCE})


CASES = [
    *(case(USUAL, edges) for edges in (0.0, 1.0, 1.5, 2.5)),
    *(case("swapped", edges, rims=(1.0, 0.0)) for edges in (0.5, 3.0)),
    case("CT + MRI", 9.0, PICTURES),
]


def test_known_areas():
    assert area_under_curve([1, 2, 3], [4, 5]) == 1
    assert area_under_curve([4, 5], [1, 2, 3]) == 0
    assert area_under_curve([1, 2], [1, 2]) == 0.5
    assert area_under_curve([1, 2, 3, 4], [2.5, 5]) == pytest.approx((2 + 4) / 8)


def test_rates_of_usual_cases_are_false_alarms_and_those_of_others_detections():
    rows = {row["kind"]: row for row in summary(CASES)}
    assert rows[USUAL]["above_threshold"][CHOSEN] == 0.25
    assert rows[USUAL]["warned"] == 0.25
    assert rows[USUAL]["area"] == {}
    swapped = rows["swapped"]
    assert (swapped["above_threshold"][CHOSEN], swapped["taken_for_swapped"], swapped["warned"]) == (0.5, 1, 1)
    assert swapped["area"][CHOSEN] == pytest.approx((1 + 4) / 8)
    assert swapped["area"][RAW] == 0.5
    assert swapped["order_area"] == 1


def test_pictures_are_compared_with_the_unseen_patients():
    rows = {row["kind"]: row for row in summary(CASES)}
    assert rows["CT + MRI"]["area"][CHOSEN] == 1


def test_the_tables_tell_all_kinds_and_candidates():
    text = typicality_markdown(summary(CASES), CASES, REFERENCE)
    assert "research use only" in text.lower()
    assert f"| {UNSEEN}: swapped | 2 | 1.75 | 0.62 | 1.00 | 50% | 100% | 0% | 100% |" in text
    assert f"| {PICTURES}: CT + MRI |" in text
    assert f"| kind | {RAW} | {CHOSEN} |" in text
    assert isinstance(CASES[0].figures, CaseScore)
    assert CASES[0].row()["scores"][CHOSEN] == 0
