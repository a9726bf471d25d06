"""Checkpoints: the last and the best state of a training run."""

from __future__ import annotations

import logging
import os

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from scripts.data.errors import BadInputError, NonFiniteLossError
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights
from scripts.training.checkpoints import Checkpoints, prepare_output


class Run:
    """A trainer with its checkpoints, whose loss of each epoch is given."""

    def __init__(self, folder, network, make_trainer, losses=(), resume=False, epochs=None, seed=0, lr=0.01):
        self.optimizer = torch.optim.Adam(network.parameters(), lr=lr)
        self.scheduler = ReduceLROnPlateau(self.optimizer)
        given = iter(losses)
        self.checkpoints = Checkpoints(
            str(folder),
            {"network": network, "optimizer": self.optimizer, "lr_scheduler": self.scheduler},
            seed=seed,
            deciding_loss=lambda _: next(given, None),
            resume=resume,
        )
        self.trainer = make_trainer([self.checkpoints], epochs=epochs or len(losses), optimizer=self.optimizer)

    def __call__(self):
        self.trainer.run()
        return self


@pytest.fixture
def start(tmp_path, network, make_trainer):
    """Return a function that runs an epoch for each loss given."""
    return lambda *losses, **settings: Run(tmp_path, network, make_trainer, losses, **settings)()


class TestWriting:
    def test_the_best_weights_and_the_last_state_are_kept(self, start, tmp_path, network):
        start(0.5)
        first = (tmp_path / "model.pt").read_bytes()
        start(0.4, 0.6, resume=True, epochs=3)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["last.pt", "model.pt"]
        assert (tmp_path / "model.pt").read_bytes() != first
        last = torch.load(tmp_path / "last.pt", weights_only=True)
        assert (last["epoch"], last["best"], last["best_epoch"], last["seed"]) == (3, 0.4, 2, 0)
        best = torch.load(tmp_path / "model.pt", weights_only=True)
        assert any(not torch.equal(best[name], last["network"][name]) for name in best)
        assert all(torch.equal(last["network"][name], value) for name, value in network.state_dict().items())

    def test_the_best_weights_load_into_the_network(self, start, tmp_path):
        start(0.5)
        load_weights(FusionINN(hidden_channels=4), tmp_path / "model.pt")

    def test_epochs_without_a_deciding_loss_save_the_last_state_only(self, start, tmp_path):
        start(None, 0.5, None)
        last = torch.load(tmp_path / "last.pt", weights_only=True)
        assert (last["epoch"], last["best"], last["best_epoch"]) == (3, 0.5, 2)

    def test_weights_are_left_behind_even_when_no_epoch_decided(self, start, tmp_path, caplog):
        start(None, None)
        assert (tmp_path / "model.pt").exists()
        assert "No epoch was validated: model.pt holds the last weights" in caplog.text

    def test_weights_that_are_not_finite_are_not_saved(self, start, tmp_path, network):
        start(0.5)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with torch.no_grad():
            next(network.parameters()).fill_(torch.inf)
        run = Run(tmp_path, network, lambda *_, **__: None, [0.1], resume=True)
        run.checkpoints.deciding_loss = lambda _: 0.1
        engine = type("Engine", (), {"state": type("S", (), {"epoch": 2, "best_metric_epoch": 1, "best_metric": 0.5})})
        with pytest.raises(NonFiniteLossError, match="no longer finite after epoch 2 and were not saved"):
            run.checkpoints.save(engine)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


class TestResuming:
    def test_network_optimizer_scheduler_and_epoch_come_back(self, start, tmp_path, make_trainer):
        earlier = start(0.5, 0.4)
        other = FusionINN(hidden_channels=4, seed=5)
        run = Run(tmp_path, other, make_trainer, resume="true", epochs=2)()
        assert run.trainer.state.epoch == 2
        assert run.trainer.state.best_metric == 0.4
        saved = torch.load(tmp_path / "last.pt", weights_only=True)
        assert all(torch.equal(saved["network"][name], value) for name, value in other.state_dict().items())
        assert run.scheduler.state_dict() == earlier.scheduler.state_dict()
        moments = [state["exp_avg"] for state in run.optimizer.state_dict()["state"].values()]
        before = [state["exp_avg"] for state in earlier.optimizer.state_dict()["state"].values()]
        assert all(torch.equal(a, b) for a, b in zip(moments, before, strict=True))

    def test_a_folder_of_another_run_is_not_overwritten(self, start, tmp_path):
        start(0.5)
        with pytest.raises(BadInputError, match=r"last\.pt belongs to an earlier run.*--resume true.*--output_dir"):
            start(0.5)
        (tmp_path / "last.pt").unlink()
        with pytest.raises(BadInputError, match=r"model\.pt belongs to an earlier run"):
            start(0.5, resume="false")

    def test_nothing_to_resume_starts_at_the_first_epoch(self, start, caplog):
        with caplog.at_level(logging.INFO):
            assert start(0.5, resume=True).trainer.state.epoch == 1
        assert "Nothing to resume" in caplog.text

    @pytest.mark.parametrize("length", [0, 100, -1000])
    def test_a_damaged_state_is_refused(self, start, tmp_path, length):
        start(0.5)
        last = tmp_path / "last.pt"
        last.write_bytes(last.read_bytes()[:length])
        with pytest.raises(BadInputError, match=r"last\.pt cannot be read as a checkpoint: it is truncated, damaged"):
            start(0.5, resume=True)

    def test_weights_alone_are_no_state(self, start, tmp_path):
        start(0.5)
        os.replace(tmp_path / "model.pt", tmp_path / "last.pt")
        with pytest.raises(BadInputError, match=r"last\.pt does not fit this configuration"):
            start(0.5, resume=True)

    def test_another_network_is_refused(self, start, tmp_path, make_trainer):
        start(0.5)
        with pytest.raises(BadInputError, match=r"last\.pt does not fit this configuration .*Resume with the"):
            Run(tmp_path, FusionINN(hidden_channels=8), make_trainer, resume=True, epochs=2)()

    def test_another_seed_is_refused(self, start):
        start(0.5)
        with pytest.raises(BadInputError, match="trained with seed 0, this run has 1. Resume with --seed 0"):
            start(0.5, resume=True, seed=1)

    def test_what_a_killed_run_left_is_removed_and_never_read(self, start, tmp_path):
        start(0.5)
        half = tmp_path / ".last.pt.x7f3k2.pt"
        half.write_bytes(b"half")
        other = tmp_path / ".last.txt"
        other.write_bytes(b"not ours")
        assert start(0.4, resume=True, epochs=2).trainer.state.epoch == 2
        assert not half.exists()
        assert other.exists()

    def test_a_changed_learning_rate_counts(self, start):
        start(0.5)
        assert start(0.5, resume=True, epochs=2, lr=0.002).optimizer.param_groups[0]["lr"] == pytest.approx(0.002)

    def test_a_changed_learning_rate_scales_a_schedule(self, tmp_path, network):
        optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
        scheduler = OneCycleLR(optimizer, max_lr=0.02, total_steps=10)
        state = {"network": network, "optimizer": optimizer, "lr_scheduler": scheduler}
        checkpoints = Checkpoints(str(tmp_path), state, 0, lambda _: None)
        before = dict(optimizer.param_groups[0])
        checkpoints._scale_learning_rate(0.04)
        for key in ("lr", "initial_lr", "max_lr", "min_lr"):
            assert optimizer.param_groups[0][key] == before[key] / 2


class TestOutputFolder:
    def test_it_is_made(self, tmp_path):
        prepare_output(tmp_path / "a" / "b", resume=False)
        assert list((tmp_path / "a" / "b").iterdir()) == []

    def test_a_file_in_its_place_is_told(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(BadInputError, match=r"file.* is not writable .*Choose another --output_dir"):
            prepare_output(tmp_path / "file", resume=False)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
    def test_a_read_only_folder_is_told(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(BadInputError, match="is not writable"):
            prepare_output(tmp_path, resume=False)
