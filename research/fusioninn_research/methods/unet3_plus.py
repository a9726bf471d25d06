"""UNet 3+: every decoder level sees all five scales."""

from __future__ import annotations

from itertools import pairwise

import torch
from monai.networks.blocks import Convolution
from monai.networks.nets.basic_unet import Down, TwoConv
from torch import nn

from .fuser import Fuser
from .unet import RELU

LEVELS = 5


def _conv(in_channels: int, out_channels: int) -> Convolution:
    return Convolution(2, in_channels, out_channels, act=RELU, norm="batch", bias=False)


def _resize(before: int, after: int) -> nn.Module:
    """From one level to another: max pooling towards the coarse ones, bilinear up-sampling towards the fine ones."""
    if before < after:
        return nn.MaxPool2d(2 ** (after - before))
    return nn.Upsample(scale_factor=float(2 ** (before - after)), mode="bilinear") if before > after else nn.Identity()


class FullScaleNode(nn.Module):
    """One level of the decoder: all scales brought to its own, reduced to the same few channels, joined.

    Args:
        level: its level, 0 being full resolution.
        channels: channels of the map that it is given at each level.
        width: channels that it takes from each.
    """

    def __init__(self, level: int, channels: list[int], width: int) -> None:
        super().__init__()
        self.level = level
        self.skips = nn.ModuleList(
            nn.Sequential(_resize(i, level), _conv(count, width)) for i, count in enumerate(channels)
        )
        self.join = _conv(len(channels) * width, len(channels) * width)

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Join the maps of all levels, finest first."""
        return self.join(torch.cat([skip(maps[i]) for i, skip in enumerate(self.skips)], dim=1))


class UNet3Plus(Fuser):
    """UNet 3+ (Huang et al., ICASSP 2020) without deep supervision and classification, trained to fuse.

    Encoder of five levels, as in UNet. Decoder level i takes `width` channels from each of the encoder levels down to
    its own (max-pooled) and from each of the levels below it (bilinear), and makes five times as many of them.

    Args:
        in_channels: number of sources. Defaults to 2.
        width: channels of the encoder at full resolution, doubled at each further level, and of every skip. Defaults to
            64.
    """

    method = "unet3_plus"

    def __init__(self, in_channels: int = 2, width: int = 64) -> None:
        super().__init__(in_channels, multiple=2 ** (LEVELS - 1))
        channels = [width * 2**i for i in range(LEVELS)]
        blocks: list[nn.Module] = [TwoConv(2, in_channels, width, RELU, "batch", bias=False)]
        for before, after in pairwise(channels):
            blocks.append(Down(2, before, after, RELU, "batch", bias=False))
        self.encoder = nn.ModuleList(blocks)
        nodes = []
        for level in reversed(range(LEVELS - 1)):
            nodes.append(FullScaleNode(level, channels, width))
            channels[level] = LEVELS * width
        self.decoder = nn.ModuleList(nodes)
        self.final_conv = nn.Conv2d(LEVELS * width, 1, 3, padding=1)

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """See `Fuser`."""
        maps: list[torch.Tensor] = []
        x = image
        for block in self.encoder:
            x = block(x)
            maps.append(x)
        for node in self.decoder:
            maps[node.level] = node(maps)
        return self.final_conv(maps[0])
