"""The same fused images from several depths of storage."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research import trade
from fusioninn_research.grid import Budget, Grid
from fusioninn_research.rows import Rows
from fusioninn_research.trade import TradeCurve
from scripts.data.discovery import find_patients

SOURCES = ["t1gd", "flair"]
ROWS = [
    {"name": "base", "method": "fusioninn", "training": ["train.json"], "overrides": {"epochs": 1}},
    {"name": "missing", "method": "fusioninn", "training": ["train.json"], "overrides": {"epochs": 1, "alpha": 0.9}},
]


@pytest.fixture
def curve(cohort, tmp_path) -> TradeCurve:
    """Weights of two seeds that keep what is equal in both sources, and no more."""
    grid = Grid(str(cohort / "data"), str(tmp_path), Budget("open"), str(cohort / "split.json"), train=False)
    rows = Rows(ROWS, [0, 1], grid)
    for cell in rows.cells["base"]:
        folder = grid.folder / cell.folder / "training"
        folder.mkdir(parents=True)
        network = grid.evaluation_config(cell).get_parsed_content("network_def")
        torch.save(network.state_dict(), folder / "model.pt")
        torch.save({"epoch": 1, "seed": cell.seed, "network": network.state_dict()}, folder / "last.pt")
    patients = find_patients(str(cohort / "data"), SOURCES)
    return TradeCurve(rows, ["base", "missing"], patients, [3, 8, "float32"], SOURCES, slice_step=5)


def test_a_point_for_each_depth_of_what_is_trained(curve):
    points = curve.measure()
    assert [(point["weights"], point["stored"]) for point in points] == [("base", b) for b in (3, 8, "float32")]
    coarse, eight, exact = points
    for key in ("fused_brain", "decomposed_brain", "decomposed_flair_slice"):
        # three bits are worse than eight, which are nearly as good as all
        assert coarse[key] < eight[key] - 0.01
        assert eight[key] == pytest.approx(exact[key], abs=0.01)
    for point in points:
        both = (point["decomposed_t1gd_brain"] + point["decomposed_flair_brain"]) / 2
        assert point["decomposed_brain"] == pytest.approx(both)


def test_it_is_measured_once_for_the_same_weights(curve, monkeypatch):
    points = curve.measure()
    with monkeypatch.context() as patch:
        patch.setattr(trade, "measured_slices", None)
        assert curve.measure() == points
    curve.bits = [8]
    assert [point["stored"] for point in curve.measure()] == [8]
