"""Tables and sentences of the study."""

from __future__ import annotations

import pandas as pd
import pytest

from fusioninn_research.serve.study_table import ALL, dice_table, differences_table, figures, settings, verdict


def content(estimates: float = -0.001, fused: float = 0.0, stores=("uint16",)) -> dict:
    """What the study writes of six patients, where Dice of estimates and fused image differ by this."""
    sources = pd.Series([0.70, 0.80, 0.90, 0.60, 0.85, 0.75])
    dice = pd.DataFrame({"sources": sources, "mean": sources - [0.1, 0.05, 0.0, 0.1, 0.0, 0.05]})
    for store in stores:
        dice[f"estimates_{store}"] = sources + estimates
    dice["fused"] = dice["mean"] + fused + [0.002, -0.002, 0.001, -0.001, 0.003, -0.003]
    group = figures(dice, stores)
    return {
        "stores": list(stores),
        "slices": 60,
        "folds": 3,
        "training": {"epochs": 20},
        "groups": {ALL: group},
    }


def test_tables_have_means_differences_and_shares_with_intervals():
    lines = dice_table(content()).splitlines()
    assert lines[0] == "| segmented | trained on | all patients (6) |"
    assert lines[2].startswith("| sources | sources | 0.767 (0.")
    assert [line.split(" | ")[:2] for line in lines[3:]] == [
        ["| estimates from 16 bits", "sources"],
        ["| fused image, 16 bits", "the same"],
        ["| plain mean", "the same"],
    ]
    lines = differences_table(content()).splitlines()
    assert lines[2] == "| estimates from 16 bits − sources | −0.001 (−0.001 to −0.001) |"
    assert lines[5].startswith("| fused image, 16 bits − plain mean | +0.000 (−0.00")
    assert lines[6].startswith("| estimates from 16 bits − fused image, 16 bits | +0.049 (+0.0")
    assert lines[7].startswith("| estimates from 16 bits − plain mean | +0.049 (+0.0")
    assert lines[8].startswith("| estimates from 16 bits, share of sources | 99.9 % (99.9 to 99.9) |")


@pytest.mark.parametrize(
    ("fused", "words"),
    [
        (0.0, "The fused image alone is no better than the plain mean"),
        (
            0.02,
            "The fused image alone is better than the plain mean: the difference of Dice is +0.020 (+0.018 to +0.02",
        ),
        (-0.02, "The fused image alone is worse than the plain mean: the difference of Dice is −0.020 ("),
    ],
)
def test_the_document_says_whether_the_fused_image_is_better_than_the_mean(fused, words):
    assert words in verdict(content(fused=fused))


@pytest.mark.parametrize(
    ("estimates", "words"),
    [
        (-0.001, "from 16 bits keep 99.9 % (99.9 to 99.9) of the Dice on the sources, which reaches the goal of 99 %."),
        (-0.02, "which misses the goal of 99 %."),
        (-0.0077, "though the interval includes it."),
    ],
)
def test_the_document_says_whether_the_estimates_reach_the_goal(estimates, words):
    assert words in verdict(content(estimates=estimates))


def test_the_document_says_to_decompose_first_where_that_is_better():
    assert "So decompose before you segment: the estimates gain +0.049 (+0.0" in verdict(content())
    assert "decompose before" not in verdict(content(fused=0.05))


def test_each_way_to_store_has_its_sentence():
    told = verdict(content(stores=("uint16", "uint8")))
    assert "from 16 bits keep" in told
    assert "from 8 bits keep" in told


def test_nothing_found_on_the_sources_has_no_share():
    dice = pd.DataFrame(0.0, index=range(2), columns=["sources", "estimates_uint8", "fused", "mean"])
    found = {**content(stores=("uint8",)), "groups": {ALL: figures(dice, ["uint8"])}}
    assert "no share" in verdict(found)
    assert "share of sources" not in differences_table(found)


def test_what_was_measured_is_said():
    assert settings(content()) == "6 patients, 60 slices, 3 folds, 20 epochs"
