"""Bound the norm of the gradient."""

from __future__ import annotations

import pytest
import torch
from monai.engines.utils import IterationEvents

from scripts.training.clip_gradients import ClipGradients


def norms(make_trainer, network, max_norm: float) -> list[float]:
    seen = []
    trainer = make_trainer([ClipGradients(network, max_norm)])

    @trainer.on(IterationEvents.BACKWARD_COMPLETED)
    def remember():
        seen.append(torch.nn.utils.get_total_norm([p.grad for p in network.parameters()]).item())

    trainer.run()
    return seen


def test_the_norm_stays_below_its_bound(make_trainer, network):
    assert norms(make_trainer, network, 0.01) == pytest.approx([0.01, 0.01], rel=1e-3)


def test_zero_clips_nothing(make_trainer, network):
    assert min(norms(make_trainer, network, 0)) > 0.05
