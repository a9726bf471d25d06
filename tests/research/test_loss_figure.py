"""Fig. 3: the losses of a training that is done where that is needed."""

from __future__ import annotations

import matplotlib.image
import pytest
from monai.bundle import ConfigParser

from fusioninn_research.grid import Budget, Grid
from fusioninn_research.loss_figure import LossFigure
from scripts.data.errors import BadInputError
from scripts.training.history import read_history

pytestmark = pytest.mark.usefixtures("in_this_process")

ROW = {
    "name": "k = 2",
    "method": "fusioninn",
    "training": ["train.json"],
    "overrides": {"blocks": 2, "epochs": 2, "batch_size": 4, "image_size": [32, 32], "device": "cpu"},
}


def make_grid(folder, data, train: bool) -> Grid:
    return Grid(str(data), str(folder), Budget("small"), train=train, evaluate=False)


@pytest.fixture
def patients(write_patient, tmp_path):
    for name in ("P1", "P2"):
        write_patient(tmp_path / "patients", name)
    return tmp_path / "patients"


def test_what_is_not_trained_is_trained_then_drawn_and_kept(patients, tmp_path):
    figure = LossFigure(make_grid(tmp_path / "runs", patients, train=True), ROW)
    figure.draw(tmp_path / "figure.png")
    assert matplotlib.image.imread(tmp_path / "figure.png").shape == (860, 1800, 4)
    (history,) = (tmp_path / "runs").rglob("history.csv")
    rows = read_history(history)
    assert [(row["epoch"], row["part"]) for row in rows] == [
        (epoch, part) for epoch in (1, 2) for part in ("train", "validation")
    ]
    before = history.stat().st_mtime_ns
    LossFigure(make_grid(tmp_path / "runs", patients, train=False), ROW).draw(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "figure.png").read_bytes()
    assert history.stat().st_mtime_ns == before

    history.unlink()
    with pytest.raises(BadInputError, match=r"No history at .*history\.csv"):
        figure.draw(tmp_path / "figure.png")


def test_what_is_not_trained_and_not_to_be_is_refused(patients, tmp_path):
    with pytest.raises(BadInputError, match="fusioninn_.*, seed 0 is not trained"):
        LossFigure(make_grid(tmp_path / "runs", patients, train=False), ROW).draw(tmp_path / "figure.png")
    assert not (tmp_path / "figure.png").exists()


def test_a_training_that_fails_is_told(patients, tmp_path):
    row = {**ROW, "overrides": {**ROW["overrides"], "alpha": 2.0}}
    with pytest.raises(BadInputError, match="was not trained: training ended with"):
        LossFigure(make_grid(tmp_path / "runs", patients, train=True), row).draw(tmp_path / "figure.png")


def test_the_paper_s_setting_is_the_default_and_epochs_are_a_key(repository, tmp_path):
    configs = repository / "research" / "configs"
    parser = ConfigParser()
    parser.read_config([str(configs / "reproduce.json"), str(configs / "figure3.json")])
    parser.update({"dataset_dir": str(tmp_path), "output_dir": str(tmp_path), "epochs": 5})
    cell = parser.get_parsed_content("figure").cell
    assert cell.name == "fusioninn_alpha-0.5_blocks-4_epochs-5_lam-0.9_latent-normal_val_interval-1"
