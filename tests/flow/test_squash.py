"""The way from intensities to unbounded values and back."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.flow import TangentLogit
from scripts.flow.squash import REACH

SLOPE_AT_ENDS = 0.98 / (0.01 * 0.99)
WHITE = 2 * math.log(99)


def slope(function, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


class TestKnownValues:
    @pytest.mark.parametrize(
        ("x", "u"),
        [
            (0.0, 0.0),
            (1.0, WHITE),
            (0.5, math.log(99)),
            (0.25, math.log(0.255 / 0.745) + math.log(99)),
            (-1.0, -SLOPE_AT_ENDS),
            (3.0, WHITE + 2 * SLOPE_AT_ENDS),
        ],
    )
    def test_intensity_and_value_belong_together(self, x, u):
        squash = TangentLogit(margin=0.01)
        assert squash(torch.tensor(x, dtype=torch.float64)).item() == pytest.approx(u, abs=1e-12)
        assert squash.inverse(torch.tensor(u, dtype=torch.float64)).item() == pytest.approx(x, abs=1e-12)

    def test_white_is_9_19_and_the_slope_at_the_ends_99(self):
        assert pytest.approx(9.190240) == WHITE
        assert pytest.approx(98.989899) == SLOPE_AT_ENDS

    def test_black_is_exactly_zero(self):
        for margin in (1e-3, 0.01, 0.2):
            assert TangentLogit(margin)(torch.zeros(1)).item() == 0
            assert TangentLogit(margin).inverse(torch.zeros(1)).item() == 0

    def test_inside_it_is_the_logit_of_a_narrowed_range(self):
        x = torch.linspace(0, 1, 101, dtype=torch.float64)
        expected = torch.logit(0.05 + 0.9 * x) - torch.logit(torch.tensor(0.05, dtype=torch.float64))
        assert torch.allclose(TangentLogit(margin=0.05)(x), expected, rtol=0, atol=1e-12)


class TestBijection:
    @pytest.mark.parametrize("margin", [1e-3, 0.01, 0.2])
    def test_every_real_number_comes_back_from_either_side(self, margin):
        squash = TangentLogit(margin)
        values = torch.linspace(-50, 50, 4001, dtype=torch.float64)
        assert torch.allclose(squash.inverse(squash(values)), values, rtol=0, atol=1e-11)
        assert torch.allclose(squash(squash.inverse(values)), values, rtol=0, atol=1e-11)

    def test_it_rises_everywhere(self):
        values = torch.linspace(-3, 4, 7001, dtype=torch.float64)
        assert (TangentLogit(margin=0.01)(values).diff() > 0).all()
        assert (TangentLogit(margin=0.01).inverse(300 * values).diff() > 0).all()

    def test_single_precision_is_exact_where_a_sigmoid_has_saturated(self):
        squash = TangentLogit(margin=0.01)
        values = torch.tensor([-1e6, -300.0, -40.0, 40.0, 300.0, 1e6])
        assert torch.logit(torch.sigmoid(values)).isinf().any()
        # around 0 and 1 intensities are spaced 6e-8, which the slope makes 6e-6
        assert torch.allclose(squash(squash.inverse(values)), values, rtol=3e-7, atol=2e-5)
        x = torch.tensor([-1e6, -500.0, -2.0, 3.0, 77.0, 1e6])
        assert torch.allclose(squash.inverse(squash(x)), x, rtol=3e-7, atol=1e-6)

    def test_single_precision_loses_no_more_than_numbers_are_apart(self):
        squash = TangentLogit(margin=0.01)
        x = torch.linspace(0, 1, 65537)
        assert (squash.inverse(squash(x)) - x).abs().max() <= 4e-7
        assert (squash(x).double() - squash(x.double())).abs().max() <= 2e-6
        u = torch.linspace(0, WHITE, 65537)
        assert (squash.inverse(u).double() - squash.inverse(u.double())).abs().max() <= 4e-7
        # the black background above all
        dark = x[x < 0.001]
        assert (squash(dark).double() - squash(dark.double())).abs().max() <= 2e-8


class TestSmoothness:
    @pytest.mark.parametrize("end", [0.0, 1.0])
    def test_value_and_slope_are_continuous_at_black_and_white(self, end):
        squash = TangentLogit(margin=0.01)
        near = end + torch.tensor([-1e-9, 0.0, 1e-9], dtype=torch.float64)
        assert torch.allclose(squash(near), squash(near[1]), rtol=0, atol=1e-6)
        assert torch.allclose(slope(squash, near), torch.tensor(SLOPE_AT_ENDS, dtype=torch.float64), rtol=1e-6)
        there = squash(near).detach()
        back = torch.tensor(1 / SLOPE_AT_ENDS, dtype=torch.float64)
        assert torch.allclose(slope(squash.inverse, there), back, rtol=1e-6)

    def test_log_slope_is_the_logarithm_of_autograd_s_derivative(self):
        squash = TangentLogit(margin=0.01)
        x = torch.linspace(-1, 2, 301, dtype=torch.float64)
        assert torch.allclose(squash.log_slope(x), slope(squash, x).log(), rtol=0, atol=1e-10)

    def test_the_two_halves_meet_in_the_middle(self):
        squash = TangentLogit(margin=0.01)
        near = 0.5 + torch.tensor([-1e-9, 0.0, 1e-9], dtype=torch.float64)
        assert torch.allclose(squash(near), torch.tensor(WHITE / 2, dtype=torch.float64), rtol=0, atol=1e-7)
        assert torch.allclose(slope(squash, near), torch.tensor(4 * 0.98, dtype=torch.float64), rtol=1e-6)

    def test_the_middle_is_the_flattest(self):
        x = torch.linspace(-1, 2, 301, dtype=torch.float64)
        assert TangentLogit(margin=0.01).log_slope(x).argmin() == 150


class TestLimits:
    @pytest.mark.parametrize("x", [3e38, -3e38, torch.finfo(torch.float32).max, torch.finfo(torch.float32).min])
    def test_the_largest_finite_input_stops_at_the_reach(self, x):
        u = TangentLogit(margin=0.01)(torch.tensor(x))
        assert u.item() == pytest.approx(math.copysign(REACH, x), rel=1e-6)
        assert TangentLogit(margin=0.01).inverse(torch.tensor(x)).isfinite()

    def test_nan_is_not_hidden(self):
        assert TangentLogit(margin=0.01)(torch.tensor(float("nan"))).isnan()

    @pytest.mark.parametrize("margin", [0.0, 0.5, -0.1, 1.0])
    def test_a_margin_that_is_none_is_refused(self, margin):
        with pytest.raises(ValueError, match=f"between 0 and 0.5 .*, got {margin}"):
            TangentLogit(margin)
