"""Fuser: what the networks that fuse and cannot decompose have in common."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .unit_range import UnitRange


class Fuser(nn.Module):
    """Sources of any size in, one fused image of that size in [0, 1] out.

    The last convolution of a network gives logits; `UnitRange` maps them to [0, 1], the same for all of them. Sizes
    that the network cannot halve often enough are padded on the right and at the bottom by repeating the border, and
    cropped afterwards.

    Args:
        in_channels: number of sources N, at least 2.
        multiple: side lengths that the network takes are multiples of this number. Defaults to 1, any.

    Raises:
        ValueError: when there are fewer than two sources.
    """

    method: str = ""
    """Name of the file in configs/methods that declares the network."""

    loss_configs = ("configs/fusion_only.json",)
    """What it is trained with in place of FusionINN's loss."""

    def __init__(self, in_channels: int, multiple: int = 1) -> None:
        super().__init__()
        if in_channels < 2:
            raise ValueError(f"in_channels must be at least 2, there is nothing to fuse in {in_channels}.")
        self.in_channels = in_channels
        self.multiple = multiple
        self.unit_range = UnitRange()

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """The network itself.

        Args:
            image: sources of shape (batch_size, in_channels, H, W), H and W being multiples of `multiple`.

        Returns:
            tensor of shape (batch_size, 1, H, W) without bounds.
        """
        raise NotImplementedError

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Fuse.

        Args:
            image: sources of shape (batch_size, in_channels, H, W) in [0, 1], of any size.

        Returns:
            the fused image (batch_size, 1, H, W) in [0, 1].
        """
        height, width = image.shape[2], image.shape[3]
        padded = F.pad(image, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return self.unit_range(self.logits(padded)[:, :, :height, :width])
