"""The mean of every loss term over an epoch."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Events
from monai.utils.enums import CommonKeys

from scripts.training.loss_terms import LossTerms

TERMS = {"loss", "fusion", "decomposition", "latent", "fusion_l2", "decomposition_l2", "detail", "range"}
SSIM = {"fused_ssim_t1gd", "fused_ssim_flair", "decomposed_ssim_t1gd", "decomposed_ssim_flair"}


def test_every_term_of_training_is_given(make_trainer, loss):
    trainer = make_trainer([LossTerms(loss)])
    seen = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda: seen.append(trainer.state.output[CommonKeys.LOSS].item())
    )
    trainer.run()
    assert set(trainer.state.metrics) == TERMS | SSIM
    assert trainer.state.metrics["loss"] == pytest.approx(sum(seen) / 2)


def test_validation_is_the_mean_over_images_not_over_batches(make_evaluator, loss):
    evaluator = make_evaluator([LossTerms(loss)], count=3)
    outputs = []
    evaluator.add_event_handler(Events.ITERATION_COMPLETED, lambda: outputs.append(evaluator.state.output))
    evaluator.run(1)
    terms = [loss.terms(o[CommonKeys.PRED], o[CommonKeys.IMAGE])["fusion"].item() for o in outputs]
    assert evaluator.state.metrics["fusion"] == pytest.approx((2 * terms[0] + terms[1]) / 3)


def test_each_epoch_begins_anew(make_evaluator, loss):
    evaluator = make_evaluator([LossTerms(loss)])
    evaluator.run(1)
    first = dict(evaluator.state.metrics)
    evaluator.run(2)
    assert evaluator.state.metrics == first


def test_validation_keeps_no_graph(make_evaluator, loss):
    handler = LossTerms(loss)
    make_evaluator([handler]).run(1)
    assert not any(total.requires_grad for total in handler._sums.values())
    assert all(isinstance(total, torch.Tensor) for total in handler._sums.values())
