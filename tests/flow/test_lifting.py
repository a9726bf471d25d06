"""Lifting: some channels, plus what the others show of them."""

from __future__ import annotations

import pytest
import torch

from scripts.flow import Lifting


@pytest.fixture
def step():
    step = Lifting(2, shown=[0, 2], changed=[4, 1], channels=5, hidden_channels=6)
    torch.nn.init.normal_(step.subnet.conv_1.weight, generator=torch.Generator().manual_seed(0))
    return step.requires_grad_(False)


def test_it_starts_as_the_identity():
    x = torch.randn(2, 3, 6, 7)
    assert torch.equal(Lifting(2, [0], [1, 2], 3, 4)(x), x)


def test_each_changed_channel_gets_its_own_output_of_the_subnetwork(step):
    x = torch.randn(2, 5, 6, 7)
    shift = step.subnet(x[:, [0, 2]])
    lifted = step(x)
    assert torch.equal(lifted[:, [0, 2, 3]], x[:, [0, 2, 3]])
    assert torch.equal(lifted[:, 4], x[:, 4] + shift[:, 0])
    assert torch.equal(lifted[:, 1], x[:, 1] + shift[:, 1])


def test_what_it_changes_is_not_seen(step):
    x = torch.randn(1, 5, 6, 7)
    other = x.clone()
    other[:, [1, 3, 4]] += 3
    assert torch.allclose(step(other) - other, step(x) - x, atol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_inverse_brings_everything_back(dims):
    step = Lifting(dims, [0, 1], [2], 3, 4).double()
    torch.nn.init.normal_(step.subnet.conv_1.weight)
    x = torch.randn(2, 3, *[5] * dims).double()
    assert torch.allclose(step.inverse(step(x)), x, atol=1e-12)
    assert step.log_det(x).eq(0).all()


def test_padding_stays_zero(step):
    step.subnet.conv_1.bias.fill_(1.0)
    inside = torch.ones(1, 5, 6, 6)
    inside[..., 4:] = 0
    x = torch.randn(1, 5, 6, 6) * inside
    lifted = step(x, inside)
    assert lifted[..., 4:].eq(0).all()
    assert torch.allclose(step.inverse(lifted, inside), x, atol=1e-5)


def test_memory_stays_channels_last(step):
    x = torch.randn(1, 5, 6, 7).contiguous(memory_format=torch.channels_last)
    assert step(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("shown", "changed"), [([], [1]), ([0], []), ([0, 1], [1]), ([0], [3]), ([0, 0], [1])])
def test_channels_that_are_no_choice_are_refused(shown, changed):
    with pytest.raises(ValueError, match="different ones of 3 channels"):
        Lifting(2, shown, changed, 3, 4)
