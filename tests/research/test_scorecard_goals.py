"""Yes and no of every kind of goal."""

from __future__ import annotations

import pytest

from fusioninn_research.disturbances import DISTURBANCES
from fusioninn_research.scorecard_figures import Figures
from fusioninn_research.scorecard_goals import above, at_least, at_most, goals, within

SOURCES = ["t1gd", "flair"]


def row(patient="P", **changes):
    """A slice that meets every goal."""
    figures = {"fused_slice": 0.93, "ceiling_slice": 0.932, "fused_brain": 0.76, "mean_brain": 0.75}
    for source in SOURCES:
        for region in ("slice", "brain", "lesion"):
            figures[f"decomposed_{source}_{region}"] = 0.99
            figures |= {f"{key}_{source}_{region}": 0.985 for key in DISTURBANCES}
            figures[f"spread_{source}_{region}"] = 0.001
    for band in ("HL", "LH", "HH"):
        figures |= {f"{image}_haar_{band}": 0.02 for image in (*SOURCES, "fused")}
        figures |= {f"decomposed_{source}_haar_{band}": 0.02 for source in SOURCES}
    figures |= {"Q_XY": 0.9, "Q_P": 0.95, "roundtrip_error": 1e-6, "brain_fraction": 0.2}
    return {"patient": patient, **figures, **changes}


def judged(rows, unseen=None, compared=None):
    pairs = {"CT + MRI": Figures([{"patient": "1", "decomposed_first_slice": 0.94, "decomposed_second_slice": 0.93}])}
    others = {"Q_XY": {"Maximum": 0.88}, "Q_P": {"Plain mean": 0.94}}
    found = goals(Figures(rows), SOURCES, pairs if unseen is None else unseen, others if compared is None else compared)
    return {goal.name: goal for goal in found}


def test_good_figures_meet_every_goal():
    assert {name: goal.met for name, goal in judged([row()]).items() if goal.met is not True} == {}


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"ceiling_slice": 0.94}, "fused, SSIM as a share of the ceiling, whole slice"),
        ({"mean_brain": 0.77}, "fused, SSIM, brain"),
        ({"fused_haar_HH": 0.03}, "no visible code: fused, finest Haar bands"),
        ({"decomposed_flair_haar_LH": 0.03}, "no visible code: decomposed, finest Haar bands"),
        ({"Q_XY": 0.87}, "Q_XY (whole image)"),
        ({"roundtrip_error": 2e-4}, "round trip with the true latent, fp32, largest error"),
        ({"spread_t1gd_brain": 0.003}, "spread over latent draws, SSIM, brain"),
        ({"gain_up_flair_brain": 0.97}, f"decomposed after: {DISTURBANCES['gain_up']}"),
        # an estimate that gets much better has changed as well
        ({"bits16_t1gd_slice": 1.01}, f"decomposed after: {DISTURBANCES['bits16']}"),
        ({"decomposed_t1gd_lesion": 0.95}, "decomposed, SSIM, lesion"),
    ],
)
def test_a_bad_figure_fails_its_goal_and_no_other(changes, failing):
    met = {name: goal.met for name, goal in judged([row(**changes)]).items()}
    assert [name for name, answer in met.items() if answer is not True] == [failing]


def test_what_is_not_measured_is_neither_met_nor_failed():
    changes = {"ceiling_slice": None, "decomposed_t1gd_lesion": None, "decomposed_flair_lesion": None}
    found = judged([row(**changes)], unseen={}, compared={})
    unknown = [name for name, goal in found.items() if goal.met is None]
    assert unknown == [
        "fused, SSIM as a share of the ceiling, whole slice",
        "decomposed, SSIM, lesion",
        "Q_XY (whole image)",
        "Q_P (whole image)",
        "unseen pairs: decomposed, SSIM, whole slice",
    ]
    assert found["Q_XY (whole image)"].measured == "0.9000"


def test_the_ceiling_is_compared_on_its_own_slices():
    goal = judged([row(), row(fused_slice=0.5, ceiling_slice=None)])[
        "fused, SSIM as a share of the ceiling, whole slice"
    ]
    assert goal.met
    assert goal.measured == "99.79% (0.9300 of 0.9320, 1 slice(s))"


def test_the_largest_round_trip_error_counts_and_not_the_mean():
    rows = [row(), row(), row(roundtrip_error=1.5e-4)]
    assert judged(rows)["round trip with the true latent, fp32, largest error"].met is False


def test_bounds_belong_to_what_meets_them():
    assert at_least("", {"a": 0.955, "b": 0.96}, 0.955).met is True
    # judged before it is rounded
    close = at_least("", {"a": 0.95499}, 0.955)
    assert (close.met, close.measured) == (False, "a 0.9550")
    assert at_most("", {"a": 1e-4}, 1e-4, ".1e").met is True
    assert at_most("", {"a": 1.1e-4}, 1e-4, ".1e").met is False
    assert at_least("", {}, 0.5).met is None


def test_differences_count_upwards_and_downwards():
    goal = within("", {"brain": {"a": -0.004, "b": 0.0}, "slice": {"a": -0.0000001, "b": 0.0}}, 0.01)
    assert goal.measured == "brain −0.0040 (a), slice +0.0000 (a)"
    assert goal.met is True
    assert within("", {"brain": {"a": 0.0101}}, 0.01).met is False
    assert within("", {"brain": {"a": None}}, 0.01).met is None


def test_above_all_others_means_all():
    others = {"x": 0.5, "y": 0.7}
    assert above("", 0.71, others).met is True
    second = above("", 0.6, others)
    assert second.met is False
    assert second.measured == "0.6000, above 1 of 2"
    assert "> 0.7000, y" in second.wanted
    assert above("", 0.7, others).met is False
