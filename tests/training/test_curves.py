"""Every loss term in TensorBoard."""

from __future__ import annotations

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from scripts.training.curves import Curves
from scripts.training.loss_terms import LossTerms


def test_terms_of_training_and_validation_stand_side_by_side(make_trainer, make_evaluator, network, loss, tmp_path):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.25)
    with SummaryWriter(tmp_path) as writer:
        trainer = make_trainer([LossTerms(loss), Curves(writer, "train", optimizer)], epochs=2, optimizer=optimizer)
        evaluator = make_evaluator([LossTerms(loss), Curves(writer, "validation")])
        trainer.run()
        evaluator.run(2)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert {f"{term}/{part}" for term in trainer.state.metrics for part in ("train", "validation")} <= set(
        events.Tags()["scalars"]
    )
    assert [event.step for event in events.Scalars("loss/train")] == [1, 2]
    assert [event.step for event in events.Scalars("loss/validation")] == [2]
    assert [event.value for event in events.Scalars("learning_rate")] == [0.25, 0.25]


def test_without_a_writer_nothing_is_written(make_evaluator, loss):
    make_evaluator([LossTerms(loss), Curves(None, "validation")]).run(1)
