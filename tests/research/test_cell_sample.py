"""A cell of a table, applied to the slice of a figure."""

from __future__ import annotations

import json

import pytest
import torch

from fusioninn_research.cell_sample import apply_cell, budget_words
from fusioninn_research.cells import cells_of
from fusioninn_research.grid import Budget, Grid
from fusioninn_research.sample import read_sample
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN

TRAINED = {"name": "Ours", "method": "fusioninn", "training": ["train.json"], "overrides": {"blocks": 2, "epochs": 3}}


@pytest.fixture
def grid(repository, tmp_path):
    budget = Budget("small", ("crops.json", "research/small.json"))
    example = str(repository / "bundle" / "example")
    return Grid(example, str(tmp_path / "runs"), budget, train=False, evaluate=False)


@pytest.fixture
def sample(write_patient, tmp_path):
    write_patient(tmp_path / "patients", "P1")
    return read_sample(str(tmp_path / "patients"), ["t1gd", "flair"])


def leave_training(grid: Grid, cell, epoch: int) -> FusionINN:
    """Leave behind what a training to an epoch leaves, and return its network."""
    network = FusionINN(blocks=2, seed=7).eval()
    folder = grid.folder / cell.folder / "training"
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / "model.pt")
    torch.save({"network": network.state_dict(), "epoch": epoch, "seed": 0}, folder / "last.pt")
    return network


def test_a_trained_cell_is_applied_with_its_own_weights(grid, sample):
    (cell,) = cells_of(TRAINED, [0])
    network = leave_training(grid, cell, epoch=3)
    result, expected = apply_cell(grid, cell, sample), sample.apply(network)
    assert result.fused_ssim == pytest.approx(expected.fused_ssim)
    assert result.decomposed_ssim == pytest.approx(expected.decomposed_ssim)
    assert (result.fused == expected.fused).all()


def test_a_cell_without_training_or_with_half_of_one_is_a_gap(grid, sample):
    (cell,) = cells_of(TRAINED, [0])
    assert apply_cell(grid, cell, sample) == "not trained yet"
    leave_training(grid, cell, epoch=2)
    assert apply_cell(grid, cell, sample) == "not trained yet"


def test_a_method_without_weights_needs_no_training(grid, sample):
    (cell,) = cells_of({"name": "Plain mean", "method": "mean"}, [0])
    assert apply_cell(grid, cell, sample).decomposed is None


def test_weights_that_are_given_are_used_and_missing_ones_are_a_gap(grid, sample, repository):
    row = {"name": "Shipped", "method": "fusioninn", "cell": "shipped"}
    (shipped,) = cells_of({**row, "ckpt_path": str(repository / "bundle" / "models" / "model.pt")}, [0])
    assert apply_cell(grid, shipped, sample).decomposed_ssim.min() > 0.8
    (missing,) = cells_of({**row, "ckpt_path": "nowhere.pt"}, [0])
    assert apply_cell(grid, missing, sample) == "no weights yet"


def test_weights_of_another_network_are_refused(grid, sample, repository):
    ckpt_path = str(repository / "bundle" / "models" / "model.pt")
    row = {"name": "Shipped", "method": "fusioninn", "ckpt_path": ckpt_path, "overrides": {"blocks": 2}}
    with pytest.raises(BadInputError, match="does not fit this"):
        apply_cell(grid, cells_of(row, [0])[0], sample)


def test_the_budget_is_told_in_words(grid):
    cells = [*cells_of(TRAINED, [0]), *cells_of({"name": "Plain mean", "method": "mean"}, [0])]
    words = "small setting: 3 epochs, 96 × 96 pixels in batches of 8, trained on example"
    assert budget_words(grid, cells) == f"{words}, seed 0"
    grid.split_file.parent.mkdir(parents=True)
    grid.split_file.write_text(json.dumps({"train": ["A", "B"], "validation": []}))
    assert budget_words(grid, cells) == f"{words}, 2 patients, seed 0"
    assert budget_words(grid, cells[1:]) == "small setting"
