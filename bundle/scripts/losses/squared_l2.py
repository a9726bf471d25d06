"""Squared l2 distance, Eq. 3 and 4 of the paper."""

from __future__ import annotations

import torch


def squared_l2(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean squared difference per image and channel.

    The paper writes the sum over the pixels; the mean differs from it by their number and makes the weight λ
    independent of the image's size, as in the authors' implementation.

    Args:
        x: images of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]).
        y: images of the same shape.

    Returns:
        tensor of shape (batch_size, channels).
    """
    return (x - y).square().flatten(2).mean(dim=2)
