"""Convert a volume to slices and back."""

from __future__ import annotations

import numpy as np
import torch
from monai.data import MetaTensor
from nibabel.orientations import io_orientation

_THICK = 1.5


def slice_axis(affine: torch.Tensor | np.ndarray) -> int:
    """Return the through-plane axis of a volume.

    This is the axis whose spacing is more than 1.5 times that of both others (the scanner's slice direction), else the
    one closest to inferior-superior.

    Args:
        affine: voxel to world, 4x4, mm.

    Returns:
        0, 1 or 2.
    """
    matrix = np.asarray(affine, dtype=np.float64)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    order = np.argsort(spacing)
    if spacing[order[2]] > _THICK * spacing[order[1]]:
        return int(order[2])
    return int(np.flatnonzero(io_orientation(matrix)[:, 0] == 2)[0])


def to_slices(image: torch.Tensor, axis: int) -> torch.Tensor:
    """Cut a volume into slices.

    Args:
        image: [N, X, Y, Z].
        axis: spatial axis to cut along, 0, 1 or 2.

    Returns:
        plain tensor [S, N, H, W], a view; H and W are the other two axes in their order.
    """
    if isinstance(image, MetaTensor):
        image = image.as_tensor()
    _check(image, axis)
    return image.movedim(axis + 1, 0)


def from_slices(slices: torch.Tensor, axis: int) -> torch.Tensor:
    """Stack slices to a volume; the inverse of `to_slices`.

    Args:
        slices: [S, N, H, W].
        axis: spatial axis of the volume along which the slices are stacked.

    Returns:
        volume [N, X, Y, Z], a view.
    """
    _check(slices, axis)
    return slices.movedim(0, axis + 1)


def _check(tensor: torch.Tensor, axis: int) -> None:
    if tensor.ndim != 4 or axis not in (0, 1, 2):
        raise ValueError(
            f"expected 4 dimensions and an axis of 0, 1 or 2, got shape {tuple(tensor.shape)} and axis {axis}"
        )
