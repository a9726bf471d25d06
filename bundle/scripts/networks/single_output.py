"""SingleOutput: return all outputs of a network as channels of one tensor."""

from __future__ import annotations

import torch
from torch import nn


class SingleOutput(nn.Module):
    """A network of several outputs, as those see it who know networks of one: ``monai.bundle verify_net_in_out``.

    Args:
        network: takes an image to a tuple of tensors (B, C, *spatial_dims), fused image and latent for instance.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(B, N, *spatial_dims) to (B, sum of C, *spatial_dims)."""
        return torch.cat(self.network(image), dim=1)
