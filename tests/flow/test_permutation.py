"""The fixed order of the channels."""

from __future__ import annotations

import pytest
import torch

from scripts.flow import ChannelPermutation


def drawn(seed, channels=8):
    return ChannelPermutation.random(channels, torch.Generator().manual_seed(seed))


class TestChannelPermutation:
    def test_output_channel_i_is_input_channel_order_i(self):
        step = ChannelPermutation(torch.tensor([2, 0, 1]))
        x = torch.arange(3.0).view(1, 3, 1, 1)
        assert step(x).flatten().tolist() == [2, 0, 1]
        assert step.inverse(x).flatten().tolist() == [1, 2, 0]

    def test_the_seed_decides_the_order(self):
        assert torch.equal(drawn(5).order, drawn(5).order)
        assert len({tuple(drawn(seed).order.tolist()) for seed in range(20)}) > 15

    def test_drawing_leaves_the_global_generator_alone(self):
        before = torch.get_rng_state()
        drawn(5)
        assert torch.equal(torch.get_rng_state(), before)

    def test_the_order_is_saved_and_comes_back_with_the_weights(self, tmp_path):
        one, other = drawn(1), drawn(2)
        torch.save(one.state_dict(), tmp_path / "order.pt")
        other.load_state_dict(torch.load(tmp_path / "order.pt", weights_only=True))
        x = torch.rand(1, 8, 2, 2)
        assert torch.equal(other(x), one(x))
        assert torch.equal(other.inverse(x), one.inverse(x))

    def test_the_order_is_not_trained(self):
        assert list(drawn(1).parameters()) == []
        assert drawn(1).half().order.dtype == torch.int64

    def test_undo_is_a_step_that_puts_back(self):
        x = torch.rand(2, 8, 3, 3)
        step = drawn(4)
        assert torch.equal(step.undo()(step(x)), x)

    @pytest.mark.parametrize("order", [[0, 0, 1], [1, 2, 3], [0, 2]])
    def test_what_is_no_permutation_is_refused(self, order):
        with pytest.raises(ValueError, match="must hold each of 0"):
            ChannelPermutation(torch.tensor(order))
