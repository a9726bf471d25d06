"""The finest Haar bands of an image, where a hidden code would show as a lattice or as lines."""

from __future__ import annotations

import torch

from scripts.flow.resampling import HaarBands, space_to_depth


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
