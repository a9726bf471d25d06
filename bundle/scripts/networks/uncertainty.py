"""UncertaintyHead: a small network that estimates the error of decomposed images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv
from torch import nn

FLOOR = 1e-3
"""Smallest doubt: a quarter of a grey level of an 8-bit file, in shares of the intensity range."""


class UncertaintyHead(nn.Module):
    """Expected error of decomposed images, from the fused image and the decomposed images themselves.

    For every pixel and source the head gives σ, the root mean square of the error that it expects there: with Gaussian
    likelihood (`ErrorScaleLoss`) the best σ² is the expected squared error given what the head sees. It sees no source,
    so that the uncertainty also comes from the stored fused image alone. The weights belong to those of one decomposing
    network, whose checksum they carry.

    Args:
        in_channels: number of sources N. Defaults to 2.
        hidden_channels: channels inside. Defaults to 16.
        belongs_to: SHA-256 of the decomposing network's weights, in hexadecimal. Defaults to zeros, for none yet.

    Raises:
        ValueError: when an argument is out of its range.

    Examples::

        >>> head = UncertaintyHead()
        >>> head(torch.rand(1, 1, 32, 24), torch.rand(1, 2, 32, 24)).shape
        torch.Size([1, 2, 32, 24])
    """

    def __init__(self, in_channels: int = 2, hidden_channels: int = 16, belongs_to: str = "00" * 32) -> None:
        super().__init__()
        if in_channels < 2:
            raise ValueError(f"in_channels must be at least 2, one source is not fused, got {in_channels}.")
        if hidden_channels < 1:
            raise ValueError(f"hidden_channels must be at least 1, got {hidden_channels}.")
        conv = Conv["conv", 2]
        self.in_channels = in_channels
        self.conv_0 = conv(1 + in_channels, hidden_channels, kernel_size=3, padding=1)
        self.conv_1 = conv(hidden_channels, hidden_channels, kernel_size=3, padding=2, dilation=2)
        self.conv_2 = conv(hidden_channels, in_channels, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        nn.init.zeros_(self.conv_2.weight)
        # training starts from an error of 2 % everywhere
        nn.init.constant_(self.conv_2.bias, -4.0)
        self.register_buffer("checksum", torch.tensor(list(bytes.fromhex(belongs_to)), dtype=torch.uint8))
        self.register_buffer("factor", torch.ones(in_channels))

    @property
    def belongs_to(self) -> str:
        """SHA-256 of the decomposing network's weights, in hexadecimal."""
        return bytes(self.checksum.tolist()).hex()

    def calibrate(self, factors: Sequence[float]) -> None:
        """Multiply every later σ, source by source, by what `calibration_factor` found."""
        self.factor *= torch.as_tensor(factors).to(self.factor)

    def forward(self, fused: torch.Tensor, decomposed: torch.Tensor) -> torch.Tensor:
        """Estimate the error.

        Args:
            fused: fused image of shape (batch_size, 1, H, W) in [0, 1], as stored.
            decomposed: estimates of the sources (batch_size, N, H, W), normalised.

        Returns:
            σ of shape (batch_size, N, H, W), in shares of the normalised range, at least `FLOOR` before the
            calibration.
        """
        x = self.relu(self.conv_0(torch.cat((fused, decomposed), dim=1)))
        x = self.conv_2(self.relu(self.conv_1(x)))
        return (FLOOR + torch.exp(x.clamp(-12.0, 1.0))) * self.factor.view(1, -1, 1, 1)
