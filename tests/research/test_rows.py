"""Which rows are run, and what is read of the others."""

from __future__ import annotations

import pytest

from fusioninn_research.grid import Budget, Grid
from fusioninn_research.rows import Rows
from scripts.data.errors import BadInputError

ROWS = [
    {"name": "Plain mean", "method": "mean"},
    {"name": "UNet", "method": "unet", "training": ["train.json", "research/fusion_only.json"]},
    {"name": "shipped", "method": "fusioninn", "cell": "shipped", "ckpt_path": "model.pt"},
]


@pytest.fixture
def idle(cohort, tmp_path) -> Grid:
    split = str(cohort / "split.json")
    return Grid(str(cohort / "data"), str(tmp_path), Budget("small"), split, train=False, evaluate=False)


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        (None, ["Plain mean", "UNet", "shipped"]),
        ("UNet", ["UNet"]),
        (["mean", "shipped"], ["Plain mean", "shipped"]),
        ("fusioninn", ["shipped"]),
    ],
)
def test_rows_are_chosen_by_name_method_or_cell(idle, only, wanted):
    assert Rows(ROWS, [0], idle, only).wanted == wanted


def test_an_unknown_row_is_told(idle):
    with pytest.raises(BadInputError, match="There is no row 'VGG'. Rows: Plain mean, UNet, shipped"):
        Rows(ROWS, [0], idle, "VGG")


def test_a_gap_stays_a_gap(idle):
    results, failed = Rows(ROWS, [0, 1], idle).run()
    assert failed == {}
    assert {name: (result.gap, result.seeds) for name, result in results.items()} == {
        row["name"]: ("not run", []) for row in ROWS
    }
