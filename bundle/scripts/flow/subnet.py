"""The small network inside a coupling."""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv
from torch import nn


class Subnet(nn.Module):
    """Two convolutions with a ReLU between them.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        in_channels: channels of the input.
        out_channels: channels of the output; of a coupling twice as many as it scales and shifts, scales first.
        hidden_channels: channels between the two convolutions.
        output_relu: put a ReLU on the output too, as the paper's section 2.2 says. Scale and shift are then never
            negative. Defaults to False, which begins with zeros everywhere.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        hidden_channels: int,
        output_relu: bool = False,
    ) -> None:
        super().__init__()
        conv = Conv["conv", spatial_dims]
        self.conv_0 = conv(in_channels, hidden_channels, kernel_size=3, padding=1)
        self.conv_1 = conv(hidden_channels, out_channels, kernel_size=3, padding=1)
        self.hidden_relu = nn.ReLU(inplace=True)
        self.output_relu = nn.ReLU(inplace=True) if output_relu else nn.Identity()
        if not output_relu:
            # The flow starts as the identity: training begins from a good fusion.
            nn.init.zeros_(self.conv_1.weight)
            nn.init.zeros_(self.conv_1.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch_size, in_channels, …) to (batch_size, out_channels, …)."""
        return self.output_relu(self.conv_1(self.hidden_relu(self.conv_0(x))))
