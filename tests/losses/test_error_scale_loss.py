"""The loss of a head that guesses errors."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.losses.error_scale_loss import ErrorScaleLoss


def prediction(error=0.02, sigma=0.02):
    shape = (2, 2, 8, 8)
    return {"error": torch.full(shape, error), "sigma": torch.full(shape, sigma).requires_grad_()}


class TestErrorScaleLoss:
    def test_it_is_the_gaussian_likelihood_without_its_constant(self):
        loss = ErrorScaleLoss()(prediction(0.03, 0.02), torch.ones(2, 2, 8, 8))
        assert loss.item() == pytest.approx(math.log(0.02) + 0.03**2 / (2 * 0.02**2), rel=1e-5)

    def test_it_is_least_where_the_doubt_is_the_root_mean_square_of_the_error(self):
        error = torch.randn(2, 2, 64, 64) * 0.05
        right = error.square().mean().sqrt()
        values = {
            scale: ErrorScaleLoss()(
                {"error": error, "sigma": torch.full_like(error, float(right) * scale)}, torch.ones_like(error)
            ).item()
            for scale in (0.9, 1.0, 1.1)
        }
        assert min(values, key=values.get) == 1.0

    def test_black_background_counts_a_tenth(self):
        image = torch.ones(2, 2, 8, 8)
        image[..., 4:] = 0
        part = prediction(0.02, 0.02)
        part["error"][..., 4:] = 0.2
        inside, outside = (math.log(0.02) + e**2 / (2 * 0.02**2) for e in (0.02, 0.2))
        assert ErrorScaleLoss()(part, image).item() == pytest.approx((inside + 0.1 * outside) / 1.1, rel=1e-4)

    def test_every_term_is_reported_without_its_graph(self):
        loss = ErrorScaleLoss(("ct", "mri"))
        loss(prediction(0.04, 0.02), torch.ones(2, 2, 8, 8)).backward()
        assert loss.reported["error_ratio_ct"].item() == pytest.approx(2)
        assert set(loss.reported) == {"loss", "likelihood_ct", "likelihood_mri", "error_ratio_ct", "error_ratio_mri"}
        assert not any(value.requires_grad for value in loss.reported.values())

    def test_a_negative_weight_is_told(self):
        with pytest.raises(ValueError, match="must not be negative, got -1"):
            ErrorScaleLoss(background=-1)
