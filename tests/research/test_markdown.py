"""What readers see of figures, tests and budgets."""

from __future__ import annotations

from typing import ClassVar

from fusioninn_research.markdown import caption, difference, figure
from fusioninn_research.results import RowResult, Spread
from fusioninn_research.significance import PairedTest

SMALL = {"epochs": 4, "steps": 712, "batch_size": 8, "image_size": [96, 96], "width": 16, "training_patients": 62}


def test_a_figure_has_its_spread_and_the_paper_in_brackets():
    assert figure(Spread(0.92172, 0.0108, None), 0.927) == "0.922 ± 0.011 [0.927]"
    assert figure(Spread(0.92172, None, None)) == "0.922"


def test_a_missing_figure_is_a_dash():
    assert figure(None) == "–"


def test_a_significant_difference_is_bold():
    assert (
        difference(PairedTest(16, -0.012, (-0.02, -0.01), 0.001), 0.02) == "**-0.0120 [-0.0200, -0.0100], p = 0.020**"
    )
    assert difference(PairedTest(16, 0.001, (-0.02, 0.01), 0.4), 1.0) == "+0.0010 [-0.0200, +0.0100], p = 1.000"
    assert difference(PairedTest(5, 0.001, (-0.02, 0.01), None), None).endswith("too few patients for a p")
    assert difference(None, None) == "–"


class TestCaption:
    results: ClassVar = {
        "UNet": RowResult.of({0: {"A": {"Q": 1.0}, "B": {"Q": 2.0}}}, None, 87, 0.1, SMALL),
        "DDFM": RowResult(gap="not run"),
    }

    def test_the_small_setting_is_said_first_and_with_its_numbers(self):
        told = caption("Table 1", "small", "lgg", [0], self.results)
        small = next(line for line in told.splitlines() if line.startswith("> "))
        assert small.startswith("> **SMALL SETTING.** This is not the paper's budget")
        assert "4 epochs, 712 steps of 8 crops of 96 × 96 pixels from 62 patients" in small
        assert "16 channels" in small

    def test_the_full_one_has_no_such_line(self):
        assert "SMALL" not in caption("Table 1", "full", "lgg", [0, 1], self.results)

    def test_data_seeds_and_gaps_are_named(self):
        told = caption("Table 1", "small", "lgg", [0], self.results)
        assert "- Data: lgg; measured on 2 validation patients, 87 slices." in told
        assert "- Seeds: 0. One seed: there is no spread over seeds." in told
        assert "- Not run: DDFM." in told
        assert "For research use only" in told
