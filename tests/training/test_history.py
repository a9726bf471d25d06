"""Every loss term and SSIM of every epoch, as a table."""

from __future__ import annotations

import csv

import pytest
import torch
from monai.handlers import ValidationHandler

from scripts.data.errors import BadInputError
from scripts.training.deciding_loss import DecidingLoss
from scripts.training.history import History, read_history
from scripts.training.loss_terms import LossTerms


@pytest.fixture
def run(make_trainer, make_evaluator, network, loss, tmp_path):
    """Return a function that trains to an epoch, from another, with the table in the temporary folder."""

    def run(epochs: int, after: int = 0, interval: int = 1, patients: int = 3):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        evaluator = make_evaluator([LossTerms(loss)], count=patients)
        history = History(str(tmp_path), DecidingLoss(evaluator, interval), optimizer)
        handlers = [LossTerms(loss), *([ValidationHandler(interval, evaluator)] if patients else []), history]
        trainer = make_trainer(handlers, epochs=epochs, optimizer=optimizer)
        trainer.state.epoch = after
        trainer.state.iteration = 2 * after
        trainer.run()
        return trainer.state.metrics, evaluator.state.metrics

    return run


def places(path) -> list[tuple[int, str]]:
    return [(row["epoch"], row["part"]) for row in read_history(path)]


def test_each_epoch_has_a_row_for_training_and_one_for_validation(run, tmp_path):
    training, validation = run(2)
    *_, last_training, last_validation = rows = read_history(tmp_path / "history.csv")
    assert [(row["epoch"], row["part"]) for row in rows] == [
        (1, "train"),
        (1, "validation"),
        (2, "train"),
        (2, "validation"),
    ]
    assert last_training == {"epoch": 2, "part": "train", "learning_rate": 0.01, **training}
    assert last_validation == {"epoch": 2, "part": "validation", **validation}


def test_the_table_opens_in_any_spreadsheet(run, tmp_path):
    run(1)
    with open(tmp_path / "history.csv", newline="") as file:
        header, training, validation = csv.reader(file)
    assert header[:3] == ["epoch", "part", "learning_rate"]
    assert {"loss", "fusion_l2", "decomposition_l2", "fused_ssim_t1gd", "decomposed_ssim_flair"} <= set(header)
    assert len(training) == len(validation) == len(header)
    assert validation[2] == "", "validation has no learning rate"


def test_epochs_without_validation_have_one_row(run, tmp_path):
    run(3, interval=2)
    assert places(tmp_path / "history.csv") == [(1, "train"), (2, "train"), (2, "validation"), (3, "train")]


def test_training_without_validation_patients_has_one_row_an_epoch(run, tmp_path):
    run(2, patients=0)
    assert places(tmp_path / "history.csv") == [(1, "train"), (2, "train")]


def test_going_on_keeps_what_was_before_and_replaces_what_is_repeated(run, tmp_path):
    run(3)
    before = read_history(tmp_path / "history.csv")
    run(4, after=2)
    after = read_history(tmp_path / "history.csv")
    assert [row["epoch"] for row in after] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert after[:4] == before[:4]
    assert after[4] != before[4], "the third epoch was trained again, from other weights"


def test_a_new_run_replaces_the_table_of_one_that_never_saved(run, tmp_path):
    run(3)
    run(1)
    assert places(tmp_path / "history.csv") == [(1, "train"), (1, "validation")]


def test_nothing_half_written_is_left(run, tmp_path):
    run(2)
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_a_damaged_table_stops_the_run_before_it_trains(run, network, tmp_path):
    (tmp_path / "history.csv").write_text("epoch,part,loss\n1,train,high\n")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(BadInputError, match=r"history\.csv cannot be read as a history of training .*'high'"):
        run(1)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("text", ["", "epoch,part\n", "a,b\n1,2\n", "epoch,part,loss\n1,middle,0.5\n"])
def test_what_is_no_history_is_refused_or_empty(text, tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(text)
    if text.count("\n") < 2:
        assert read_history(path) == []
        return
    with pytest.raises(BadInputError, match="expected a table with the columns"):
        read_history(path)


def test_a_missing_history_names_the_file(tmp_path):
    with pytest.raises(BadInputError, match=r"No history at .*history\.csv"):
        read_history(tmp_path / "history.csv")
