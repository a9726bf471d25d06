"""The loss of a diffusion prior."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.methods import NoisePredictionLoss


class TestNoisePredictionLoss:
    def test_it_is_the_mean_squared_error_over_all_sources_and_of_each(self):
        noise = torch.randn(3, 2, 8, 8)
        predicted = noise + torch.tensor([0.1, 0.3]).view(1, 2, 1, 1)
        terms = NoisePredictionLoss()({"noise": noise, "predicted_noise": predicted}, torch.rand(3, 2, 8, 8))
        assert terms.item() == pytest.approx((0.01 + 0.09) / 2)

    def test_every_term_is_reported_without_its_graph(self):
        noise = torch.randn(1, 2, 4, 4)
        predicted = (noise + torch.tensor([0.1, 0.3]).view(1, 2, 1, 1)).requires_grad_()
        loss = NoisePredictionLoss(("ct", "mri"))
        loss({"noise": noise, "predicted_noise": predicted}, noise).backward()
        assert predicted.grad is not None
        assert {name: round(value.item(), 4) for name, value in loss.reported.items()} == {
            "loss": 0.05,
            "noise_l2_ct": 0.01,
            "noise_l2_mri": 0.09,
        }
        assert not any(value.requires_grad for value in loss.reported.values())
