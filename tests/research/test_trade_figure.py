"""The trade, drawn."""

from __future__ import annotations

import matplotlib.image

from fusioninn_research.trade import SHIPPED
from fusioninn_research.trade_figure import draw_trade

LIMIT = {
    "widths": [0.0, 0.25, 1.0, 4.0],
    "fused": [0.8, 0.8, 0.798, 0.79],
    "seen": [9.0, 7.0, 5.0, 3.0],
    "ceiling": 0.8,
    "targets": [0.8, 0.9, 0.99],
    "needed": [2.0, 4.0, 6.0],
}
DEPTHS = [6, 8, 16, "float32"]
POINTS = [
    {
        "weights": name,
        "stored": depth,
        "fused_brain": 0.7 + 0.02 * i,
        "decomposed_brain": 0.95 - 0.02 * i - 0.1 / (j + 1),
    }
    for i, name in enumerate(("α = 0.5", "α = 0.8", SHIPPED))
    for j, depth in enumerate(DEPTHS)
]


def test_a_curve_for_each_depth_and_one_for_each_set_of_weights(tmp_path):
    page = draw_trade(POINTS, LIMIT, 0.77, 0.8, {"α = 0.5": "0.5"})
    first, second = page.figure.axes
    assert first.get_legend_handles_labels()[1] == ["6 bits", "8 bits", "16 bits", "float"]
    assert second.get_legend_handles_labels()[1] == ["0.5", "α = 0.8", "shipped", "limit"]
    assert list(second.lines[0].get_ydata()) == [0.95 - 0.1 / (j + 1) for j in range(4)]
    told = {text.get_text() for text in first.texts}
    assert {"0.5", "α = 0.8", "shipped", "plain mean", "ceiling", "limit, 8 bits"} <= told
    page.save(tmp_path / "t.png")
    assert matplotlib.image.imread(tmp_path / "t.png").shape[1] == 1800


def test_without_a_table_the_ceiling_is_the_limit_s():
    (first, _) = draw_trade(POINTS, LIMIT).figure.axes
    assert [text.get_text() for text in first.texts if text.get_rotation()] == ["ceiling"]
