"""Rows of a table and their cells."""

from __future__ import annotations

import pytest

from fusioninn_research.cells import cell_name, cells_of
from scripts.data.errors import BadInputError


def test_a_cell_is_named_for_its_method_and_its_overrides_in_alphabetical_order():
    overrides = {"lam": 0.8, "alpha": 0.5, "latent": "normal", "blocks": 3}
    assert cell_name("fusioninn", overrides) == "fusioninn_alpha-0.5_blocks-3_lam-0.8_latent-normal"
    assert cell_name("unet", {}) == "unet"


def test_a_trained_row_has_a_cell_for_every_seed():
    cells = cells_of({"name": "UNet", "method": "unet", "training": ["train.json"]}, [0, 7])
    assert [str(cell.folder) for cell in cells] == ["unet/seed0", "unet/seed7"]


def test_what_is_not_trained_has_one_cell():
    assert len(cells_of({"name": "Plain mean", "method": "mean"}, [3, 4])) == 1


def test_the_same_cell_of_two_rows_is_one():
    row = {"method": "fusioninn", "training": ["train.json"], "overrides": {"alpha": 0.5}}
    assert cells_of({"name": "a", **row}, [0]) == cells_of({"name": "b", **row}, [0])


def test_a_row_may_name_its_folder():
    assert cells_of({"name": "ours", "method": "fusioninn", "cell": "shipped"}, [0])[0].name == "shipped"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"name": "UNet"}, "The row UNet has no 'method'"),
        ({"name": "UNet", "method": "unet", "override": {}}, "the unknown key 'override'"),
    ],
)
def test_a_row_with_a_slip_is_refused(row, told):
    with pytest.raises(BadInputError, match=told):
        cells_of(row, [0])
