"""Distributions of the typicality score, drawn."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fusioninn_research.typicality_figure import draw_scores
from fusioninn_research.typicality_table import CHOSEN, UNSEEN, USUAL, Case
from scripts.typicality.case_score import CaseScore


def case(kind: str, score: float) -> Case:
    return Case(UNSEEN, kind, "P", CaseScore(score, 0.5, 0.0, 0.2, 2.0), {CHOSEN: score}, {CHOSEN: score > 2})


def test_usual_cases_are_blue_and_unusual_ones_red(tmp_path):
    draw_scores(tmp_path / "a.png", [case(USUAL, 1.0), case(USUAL, 1.4), case("swapped", 900.0)], 2.0)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    red, green, blue = np.moveaxis(pixels, 2, 0)
    assert (blue - red > 60).any()
    assert (red - green > 100).any()
    taller = tmp_path / "b.png"
    draw_scores(taller, [case(kind, 1.0) for kind in (USUAL, "a", "b", "c")], 2.0)
    assert Image.open(taller).height > pixels.shape[0]
