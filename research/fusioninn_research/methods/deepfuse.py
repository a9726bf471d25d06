"""DeepFuse: one encoder for all sources, features added, one decoder."""

from __future__ import annotations

import torch
from monai.networks.blocks import Convolution
from torch import nn

from .fuser import Fuser


def _conv(in_channels: int, out_channels: int, kernel_size: int, act: str) -> Convolution:
    return Convolution(2, in_channels, out_channels, kernel_size=kernel_size, act=act, norm="batch", bias=False)


class DeepFuse(Fuser):
    """DeepFuse (Prabhakar et al., ICCV 2017) with batch norm.

    The channels are the paper's, 16 and 32. Its last layer has neither the batch norm nor the tanh of the original: as
    for all networks compared here, its logits go through `UnitRange`.

    Args:
        in_channels: number of sources. Defaults to 2.
    """

    method = "deepfuse"

    def __init__(self, in_channels: int = 2) -> None:
        super().__init__(in_channels)
        self.encoder = nn.Sequential(_conv(1, 16, 5, "leakyrelu"), _conv(16, 32, 7, "relu"))
        self.decoder = nn.Sequential(_conv(32, 32, 7, "leakyrelu"), _conv(32, 16, 5, "leakyrelu"))
        self.final_conv = nn.Conv2d(16, 1, 5, padding=2)

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """See `Fuser`."""
        features = self.encoder(image[:, :1])
        for i in range(1, self.in_channels):
            features = features + self.encoder(image[:, i : i + 1])
        return self.final_conv(self.decoder(features))
