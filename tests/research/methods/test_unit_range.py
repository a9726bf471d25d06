"""The output map of the networks that only fuse."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.methods.unit_range import UnitRange


def test_it_rises_from_black_to_white_and_stays_there():
    values = UnitRange()(torch.linspace(-30, 30, 601))
    assert values.min() == 0
    assert values.max() == 1
    assert (values.diff() >= 0).all()
    assert values[300].item() == pytest.approx(0.5, abs=1e-6)


def test_both_ends_are_ordinary_values():
    end = torch.logit(torch.tensor(0.05))
    torch.testing.assert_close(UnitRange()(torch.stack((end, -end))), torch.tensor([0.0, 1.0]), rtol=0, atol=1e-6)


def test_the_gradient_is_that_of_the_sigmoid_also_beyond_the_ends():
    logits = torch.tensor([-6.0, -1.0, 0.0, 2.0, 6.0], requires_grad=True)
    UnitRange(0.1)(logits).sum().backward()
    share = torch.sigmoid(logits.detach())
    torch.testing.assert_close(logits.grad, share * (1 - share) / 0.8)
    assert (logits.grad > 0).all()


@pytest.mark.parametrize("margin", [0.0, 0.5, -0.1])
def test_a_margin_out_of_range_is_refused(margin):
    with pytest.raises(ValueError, match=f"got {margin}"):
        UnitRange(margin)
