"""UNet and UNet++ from MONAI, with the channels of the papers."""

from __future__ import annotations

import torch
from torch import nn

from fusioninn_research.methods import UNet, UNetPlusPlus


def convolutions(in_channels, out_channels):
    """Weights of two 3 x 3 convolutions, each with a batch norm."""
    return 9 * in_channels * out_channels + 9 * out_channels**2 + 4 * out_channels


def count(network):
    return sum(weight.numel() for weight in network.parameters())


def meta(kind, **settings):
    with torch.device("meta"):
        return kind(**settings)


ENCODER = (64, 128, 256, 512, 1024)


def test_unet_has_the_paper_s_layers_but_for_the_last_transposed_convolution():
    encoder = sum(convolutions(a, b) for a, b in zip((2, *ENCODER), ENCODER, strict=False))
    decoder = sum(convolutions(2 * c, c) + 4 * 2 * c * c + c for c in (512, 256, 128))
    last = convolutions(64 + 128, 64) + 4 * 128 * 128 + 128 + 64 + 1
    assert count(meta(UNet)) == encoder + decoder + last == 31106753


def test_unet_plus_plus_has_ten_nested_nodes():
    encoder = sum(convolutions(a, b) for a, b in zip((2, *ENCODER), ENCODER, strict=False))
    nodes = 0
    for level, channels in enumerate(ENCODER[:-1]):
        for skips in range(1, 5 - level):
            halved = 0 if level == 0 else 2 * channels * channels + channels
            up = 128 if level == 0 else channels
            nodes += convolutions(skips * channels + up, channels) + halved
    assert count(meta(UNetPlusPlus)) == encoder + nodes + 64 + 1 == 33526593


def test_the_width_scales_all_channels():
    assert count(meta(UNet, width=16)) == 1946801
    assert count(meta(UNetPlusPlus, width=16)) == 2098641


def test_unet_learns_to_sample_up_and_unet_plus_plus_does_not():
    assert sum(isinstance(module, nn.ConvTranspose2d) for module in UNet(width=4).modules()) == 4
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in UNetPlusPlus(width=4).modules())
