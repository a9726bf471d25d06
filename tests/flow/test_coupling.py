"""Affine coupling against Eq. 1 of the paper, written out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.flow import AffineCoupling

U1, U2 = 0.5, -1.25


def tiny(output_relu=False, clamp=2.0):
    """One pixel, two channels, one hidden channel: only the middle tap of each kernel sees the pixel."""
    step = AffineCoupling(2, 2, hidden_channels=1, clamp=clamp, output_relu=output_relu).double()
    numbers = {
        # hidden weight, hidden bias, then (weight, bias) of scale and of shift
        "subnet_1": (0.8, 0.1, (0.7, -0.2), (-0.6, 0.3)),
        "subnet_2": (-1.5, 0.2, (-0.4, 0.1), (0.9, -0.5)),
    }
    with torch.no_grad():
        for name, (weight, bias, scale, shift) in numbers.items():
            subnet = getattr(step, name)
            for parameter in subnet.parameters():
                parameter.zero_()
            subnet.conv_0.weight[0, 0, 1, 1], subnet.conv_0.bias[0] = weight, bias
            for channel, (w, b) in enumerate((scale, shift)):
                subnet.conv_1.weight[channel, 0, 1, 1], subnet.conv_1.bias[channel] = w, b
    return step


def pixel(*channels):
    return torch.tensor(channels, dtype=torch.float64).view(1, -1, 1, 1)


def by_hand(relu_at_the_end):
    """Eq. 1 with the numbers of `tiny`: v1 = u1 exp(s2(u2)) + t2(u2), v2 = u2 exp(s1(v1)) + t1(v1)."""

    def end(value):
        return max(value, 0.0) if relu_at_the_end else value

    def exponent(value):
        return 2.0 * 0.636 * math.atan(end(value))

    hidden = max(-1.5 * U2 + 0.2, 0.0)
    s2, t2 = exponent(-0.4 * hidden + 0.1), end(0.9 * hidden - 0.5)
    v1 = U1 * math.exp(s2) + t2
    hidden = max(0.8 * v1 + 0.1, 0.0)
    s1, t1 = exponent(0.7 * hidden - 0.2), end(-0.6 * hidden + 0.3)
    return v1, U2 * math.exp(s1) + t1, s1 + s2


class TestEquation1:
    @pytest.mark.parametrize("output_relu", [False, True])
    def test_forward_is_the_equation(self, output_relu):
        v1, v2, _ = by_hand(output_relu)
        assert torch.allclose(tiny(output_relu)(pixel(U1, U2)), pixel(v1, v2), rtol=0, atol=1e-14)

    @pytest.mark.parametrize("output_relu", [False, True])
    def test_inverse_solves_the_equation(self, output_relu):
        v1, v2, _ = by_hand(output_relu)
        assert torch.allclose(tiny(output_relu).inverse(pixel(v1, v2)), pixel(U1, U2), rtol=0, atol=1e-14)

    @pytest.mark.parametrize("output_relu", [False, True])
    def test_log_det_is_the_sum_of_the_exponents(self, output_relu):
        *_, exponents = by_hand(output_relu)
        assert tiny(output_relu).log_det(pixel(U1, U2)).item() == pytest.approx(exponents, abs=1e-14)

    def test_the_numbers_of_the_example(self):
        assert by_hand(False)[:2] == pytest.approx((1.5916943235, -3.3841390322), abs=1e-9)

    def test_the_relu_at_the_end_makes_scale_and_shift_positive(self):
        assert by_hand(True)[:2] != pytest.approx(by_hand(False)[:2])
        step = AffineCoupling(2, 2, hidden_channels=8, output_relu=True)
        u = torch.rand(4, 2, 6, 6)
        assert (step(u) >= u).all()


class TestBounds:
    @pytest.mark.parametrize("clamp", [0.5, 2.0])
    def test_no_weights_magnify_by_more_than_the_clamp_allows(self, clamp):
        step = AffineCoupling(2, 4, hidden_channels=4, clamp=clamp).double()
        with torch.no_grad():
            for subnet in (step.subnet_1, step.subnet_2):
                subnet.conv_1.bias[:2] = 1e9
        u = torch.ones(1, 4, 3, 3, dtype=torch.float64)
        assert (step(u).log() <= clamp).all()
        assert torch.allclose(step(u).log(), torch.tensor(clamp, dtype=torch.float64), rtol=2e-3)

    def test_a_fresh_coupling_changes_nothing(self):
        step = AffineCoupling(2, 5, hidden_channels=4)
        u = torch.randn(2, 5, 4, 4)
        assert torch.equal(step(u), u)
        assert torch.equal(step.log_det(u), torch.zeros(2))

    def test_an_odd_number_of_channels_is_split_into_unequal_halves(self):
        step = AffineCoupling(3, 5, hidden_channels=4)
        assert step.split == [2, 3]
        assert step.subnet_1.conv_0.in_channels == 2
        assert step.subnet_1.conv_1.out_channels == 2 * 3

    def test_the_first_part_can_be_narrower(self):
        step = AffineCoupling(2, 16, hidden_channels=4, first_channels=4)
        assert step.split == [4, 12]
        assert step.subnet_1.conv_1.out_channels == 2 * 12
        assert step.subnet_2.conv_0.in_channels == 12

    def test_every_weight_receives_a_gradient_from_either_direction(self):
        for direction in ("forward", "inverse"):
            step = AffineCoupling(2, 4, hidden_channels=4)
            with torch.no_grad():
                for parameter in step.parameters():
                    parameter.normal_()
            getattr(step, direction)(torch.randn(2, 4, 6, 6)).square().sum().backward()
            assert all((parameter.grad != 0).any() for parameter in step.parameters())


class TestBadArguments:
    def test_one_channel_cannot_be_coupled(self):
        with pytest.raises(ValueError, match="at least 2 channels, got 1"):
            AffineCoupling(2, 1, hidden_channels=4)

    @pytest.mark.parametrize("clamp", [0.0, -1.0])
    def test_the_clamp_must_be_positive(self, clamp):
        with pytest.raises(ValueError, match=f"clamp must be positive, got {clamp}"):
            AffineCoupling(2, 2, hidden_channels=4, clamp=clamp)

    @pytest.mark.parametrize("first", [0, 4, -1])
    def test_neither_part_can_be_empty(self, first):
        with pytest.raises(ValueError, match=f"first_channels must be 1 to 3, got {first}"):
            AffineCoupling(2, 4, hidden_channels=4, first_channels=first)
