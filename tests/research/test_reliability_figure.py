"""The picture of the reliability curves."""

from __future__ import annotations

import matplotlib.image
import numpy as np

from fusioninn_research.reliability_figure import draw_reliability


def content(*sources):
    expected = np.geomspace(0.001, 0.1, 20)
    rows = [
        {
            "map": name,
            "store": "uint16",
            "source": source,
            "rank_correlation": 0.5,
            "expected": expected.tolist(),
            "actual": (expected * share).tolist(),
        }
        for source in sources
        for name, share in (("learned head", 1.0), ("spread of 8 draws", 0.5))
    ]
    return {
        "sources": list(sources),
        "groups": {"validation patients": {"maps": rows}, "other patients": {"maps": rows}},
    }


def test_there_is_a_plot_for_each_source(tmp_path):
    page = draw_reliability(content("t1gd", "flair"))
    assert len(page.figure.axes) == 2
    page.save(tmp_path / "r.png")
    assert matplotlib.image.imread(tmp_path / "r.png").shape[:2] == (960, 1800)


def test_every_map_and_group_has_a_curve_and_the_diagonal_one_more():
    (axes,) = draw_reliability(content("t1gd")).figure.axes
    assert len(axes.lines) == 5
    assert "learned head, other patients: rank correlation 0.50" in axes.get_legend_handles_labels()[1]
