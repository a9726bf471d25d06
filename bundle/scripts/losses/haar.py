"""The finest Haar bands of an image, where a hidden code would show as a lattice or as lines."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from scripts.flow.resampling import HaarBands, space_to_depth

WINDOW = 8
"""Side of a window in blocks of 2 x 2 pixels."""


def finest_haar_bands(x: torch.Tensor) -> torch.Tensor:
    """Compute the orthonormal Haar details of every 2 x 2 (x 2) block: all bands but the lowest.

    Args:
        x: images of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]); an odd last row or column
            is left out.

    Returns:
        tensor of shape (batch_size, channels, 3 or 7, spatial_dim1 / 2, …); in 2-D the order of the bands is detail
        along spatial_dim2, along spatial_dim1, and along both.
    """
    spatial_dims = x.dim() - 2
    for axis in range(2, x.dim()):
        x = x.narrow(axis, 0, x.shape[axis] // 2 * 2)
    bands = HaarBands(spatial_dims)(space_to_depth(x))
    return bands.unflatten(1, (x.shape[1], -1))[:, :, 1:]


def window_means(x: torch.Tensor) -> torch.Tensor:
    """Compute the mean, with its sign, of each finest Haar band in windows of 16 x 16 pixels.

    Anatomy and noise cancel in it; a pattern that repeats every two pixels does not.

    Args:
        x: images of shape (batch_size, channels, H, W). What does not fill a window at the right or lower edge is left
            out; an image smaller than a window is one window along that side.

    Returns:
        tensor of shape (batch_size, channels, 3, H / 16, W / 16).
    """
    bands = finest_haar_bands(x)
    window = [min(WINDOW, side) for side in bands.shape[3:]]
    return F.avg_pool2d(bands.flatten(1, 2), window).unflatten(1, bands.shape[1:3])
