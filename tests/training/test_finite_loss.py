"""Stop before a loss that is not a number reaches the weights or a checkpoint."""

from __future__ import annotations

import copy

import pytest
import torch

from scripts.data.errors import NonFiniteLossError
from scripts.training.finite_loss import FiniteLoss
from scripts.training.loss_terms import LossTerms


def test_a_finite_loss_goes_through(make_trainer, network, tmp_path):
    trainer = make_trainer([FiniteLoss(str(tmp_path), network)])
    trainer.run()
    assert trainer.state.iteration == 2


def test_a_poisoned_weight_stops_the_run_and_tells_batch_and_patients(make_trainer, network, tmp_path):
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)
    with pytest.raises(NonFiniteLossError, match=r"The loss is nan at epoch 1, batch 1 of 2 \(P0 slice 10, P1 slice"):
        make_trainer([FiniteLoss(str(tmp_path))]).run()


def test_the_batch_at_fault_does_not_change_the_weights(make_trainer, network, tmp_path):
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(NonFiniteLossError, match="not changed by this batch"):
        make_trainer([FiniteLoss(str(tmp_path))], value=torch.nan).run()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_an_infinite_gradient_of_a_finite_loss_stops_the_run(make_trainer, network, tmp_path):
    first = next(network.parameters())
    first.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(NonFiniteLossError, match="The loss is finite, but the norm of its gradient is"):
        make_trainer([FiniteLoss(str(tmp_path), network)]).run()
    assert torch.isfinite(first).all()


def test_a_validation_that_is_not_finite_stops_the_run(make_evaluator, network, loss, tmp_path):
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)
    evaluator = make_evaluator([LossTerms(loss), FiniteLoss(str(tmp_path))])
    with pytest.raises(NonFiniteLossError, match="The validation loss is nan after epoch 7: training has diverged"):
        evaluator.run(7)


def test_the_message_says_where_the_last_good_checkpoint_is(make_trainer, tmp_path):
    with pytest.raises(NonFiniteLossError, match="No checkpoint had been written yet"):
        make_trainer([FiniteLoss(str(tmp_path))], value=torch.nan).run()
    (tmp_path / "last.pt").touch()
    with pytest.raises(NonFiniteLossError, match=r"last good checkpoint is .*last\.pt"):
        make_trainer([FiniteLoss(str(tmp_path))], value=torch.nan).run()
