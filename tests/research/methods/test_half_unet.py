"""Half-UNet, layer by layer."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.methods import HalfUNet
from fusioninn_research.methods.half_unet import GhostModule


def weights(module):
    return sum(weight.numel() for weight in module.parameters())


def test_a_ghost_module_is_a_convolution_and_a_separable_one_of_half_the_channels_each():
    module = GhostModule(64, 64)
    assert weights(module) == 9 * 64 * 32 + 2 * 32 + 9 * 32 + 32 * 32 + 2 * 32
    x = torch.rand(2, 64, 8, 8)
    assert torch.equal(module.eval()(x)[:, :32], module.primary(x))


def test_all_levels_have_one_width_and_are_joined_to_320_channels():
    network = HalfUNet()
    assert network.final_conv.in_channels == 320
    assert [level[1].primary.conv.in_channels for level in network.levels] == [64] * 5
    ghost = weights(GhostModule(64, 64))
    assert weights(network) == weights(GhostModule(2, 64)) + 9 * ghost + 320 + 1 == 181185


@pytest.mark.parametrize("width", [0, 1, 7])
def test_a_width_without_halves_is_refused(width):
    with pytest.raises(ValueError, match=f"width must be even, got {width}"):
        HalfUNet(width=width)
