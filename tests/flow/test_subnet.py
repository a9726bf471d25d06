"""The two convolutions inside a coupling."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.flow import Subnet


class TestSubnet:
    @pytest.mark.parametrize(("dims", "size"), [(2, (5, 7)), (3, (3, 5, 4))])
    def test_the_output_has_the_size_of_the_image(self, dims, size):
        subnet = Subnet(dims, in_channels=3, out_channels=4, hidden_channels=6)
        assert subnet(torch.rand(2, 3, *size)).shape == (2, 4, *size)

    def test_it_is_two_3x3_convolutions_with_a_relu_between(self):
        subnet = Subnet(2, 1, 2, hidden_channels=4)
        convolutions = [layer for layer in subnet.modules() if isinstance(layer, nn.Conv2d)]
        assert [(conv.in_channels, conv.out_channels) for conv in convolutions] == [(1, 4), (4, 2)]
        assert {conv.kernel_size for conv in convolutions} == {(3, 3)}
        nn.init.ones_(subnet.conv_1.weight)
        nn.init.zeros_(subnet.conv_1.bias)
        x = torch.randn(1, 1, 6, 6)
        expected = subnet.conv_1(subnet.conv_0(x).clamp(min=0))
        assert torch.equal(subnet(x), expected)
        assert subnet(x).min() >= 0

    def test_it_starts_at_zero_so_that_the_flow_starts_as_the_identity(self):
        assert Subnet(2, 2, 3, 8)(torch.randn(1, 2, 5, 5)).abs().max() == 0

    def test_a_relu_at_the_end_leaves_nothing_negative_and_starts_at_random(self):
        subnet = Subnet(2, 2, 3, 8, output_relu=True)
        out = subnet(torch.randn(1, 2, 9, 9))
        assert out.min() == 0
        assert out.max() > 0

    def test_two_pixels_away_is_as_far_as_it_sees(self):
        subnet = Subnet(2, 1, 1, hidden_channels=4, output_relu=False)
        nn.init.normal_(subnet.conv_1.weight)
        x = torch.randn(1, 1, 11, 11)
        changed = x.clone()
        changed[..., 5, 5] += 100
        difference = (subnet(changed) - subnet(x)).abs().sum(dim=(0, 1))
        assert difference[3:8, 3:8].max() > 0
        difference[3:8, 3:8] = 0
        assert difference.max() == 0
