"""The loss that decides which weights are best and when the learning rate falls."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from torch.optim.lr_scheduler import ReduceLROnPlateau

from scripts.training.deciding_loss import DecidedLrScheduleHandler, DecidingLoss


def trainer_at(epoch: int, loss: float) -> Engine:
    engine = Engine(lambda *_: None)
    engine.state.epoch, engine.state.metrics = epoch, {"loss": loss}
    return engine


def test_the_validation_decides_where_there_is_one(make_evaluator):
    evaluator = make_evaluator([])
    evaluator.state.metrics["loss"] = 0.25
    decides = DecidingLoss(evaluator)
    assert decides.validates
    assert decides(trainer_at(1, loss=0.5)) == 0.25


def test_epochs_without_validation_decide_nothing(make_evaluator):
    evaluator = make_evaluator([])
    decides = DecidingLoss(evaluator, interval=3)
    assert decides(trainer_at(1, loss=0.5)) is None
    evaluator.state.metrics["loss"] = 0.25
    assert [decides(trainer_at(epoch, loss=0.5)) for epoch in range(3, 7)] == [0.25, None, None, 0.25]


def test_the_training_loss_decides_without_validation_patients(make_evaluator):
    decides = DecidingLoss(make_evaluator([], count=0), interval=3)
    assert not decides.validates
    assert decides(trainer_at(1, loss=0.5)) == 0.5


@pytest.mark.parametrize(("interval", "lowered_after"), [(1, 4), (5, 20)])
def test_patience_counts_validations(interval, lowered_after):
    weight = torch.nn.Parameter(torch.zeros(()))
    scheduler = ReduceLROnPlateau(torch.optim.SGD([weight], lr=1.0), factor=0.5, patience=2)
    handler = DecidedLrScheduleHandler(
        scheduler,
        print_lr=False,
        step_transform=lambda engine: 1.0 if engine.state.epoch % interval == 0 else None,
    )
    engine, rates = Engine(lambda *_: None), []
    handler.attach(engine)
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: rates.append(scheduler.get_last_lr()[0]))
    engine.run([0], max_epochs=lowered_after)
    assert rates == [1.0] * (lowered_after - 1) + [0.5]
