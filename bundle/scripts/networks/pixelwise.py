"""Mean and maximum of the sources: fusion without a network, what every network is to be compared with."""

from __future__ import annotations

import torch
from torch import nn


class MeanFusion(nn.Module):
    """The mean of the sources in every pixel.

    Args:
        in_channels: number of sources. Defaults to 2.
    """

    def __init__(self, in_channels: int = 2) -> None:
        super().__init__()
        self.in_channels = in_channels

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Sources (batch_size, N, H, W) to their mean (batch_size, 1, H, W)."""
        return image.mean(dim=1, keepdim=True)


class MaxFusion(nn.Module):
    """The brightest of the sources in every pixel.

    Args:
        in_channels: number of sources. Defaults to 2.
    """

    def __init__(self, in_channels: int = 2) -> None:
        super().__init__()
        self.in_channels = in_channels

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Sources (batch_size, N, H, W) to their maximum (batch_size, 1, H, W)."""
        return image.amax(dim=1, keepdim=True)
