"""A volume with its affine, with methods to shrink and mirror it and to find the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FAINT = 0.1
"""Share of the bright parts' brightness above which a voxel is foreground."""


@dataclass(frozen=True)
class Volume:
    """Grey values with their affine.

    Args:
        values: [X, Y, Z].
        affine: voxels to RAS mm, [4, 4].
    """

    values: np.ndarray
    affine: np.ndarray

    @property
    def spacing(self) -> np.ndarray:
        """Distance between neighbouring voxels along each axis, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def centre(self) -> np.ndarray:
        """Centre of the grid, RAS mm."""
        return (self.affine @ [*((np.asarray(self.values.shape) - 1) / 2), 1.0])[:3]

    def shrunk(self, spacing: float) -> Volume:
        """Average blocks of voxels to a spacing of about `spacing` mm along the axes that are finer."""
        steps = np.maximum(1, np.round(spacing / self.spacing)).astype(int)
        steps = np.minimum(steps, self.values.shape)
        values = np.asarray(self.values, dtype=np.float32)
        for axis, step in enumerate(steps):
            if step > 1:
                blocks = values.shape[axis] // step
                values = values[(slice(None),) * axis + (slice(0, blocks * step),)]
                values = values.reshape(*values.shape[:axis], blocks, step, *values.shape[axis + 1 :])
                values = values.mean(axis=axis + 1)
        affine = self.affine.astype(np.float64)
        affine[:3, 3] += affine[:3, :3] @ ((steps - 1) / 2)
        affine[:3, :3] = affine[:3, :3] * steps
        return Volume(values, affine)

    def mirrored(self) -> Volume:
        """Exchange left and right on the same grid, along the voxel axis closest to left-right."""
        axis = int(np.abs(self.affine[0, :3] / self.spacing).argmax())
        return Volume(np.flip(self.values, axis).copy(), self.affine)

    def same_grid(self, other: Volume) -> bool:
        """Whether the voxels coincide: all corners agree to within a hundredth of a voxel."""
        if self.values.shape != other.values.shape:
            return False
        difference = np.abs(self.affine - other.affine)[:3]
        apart = difference[:, :3] @ np.asarray(self.values.shape) + difference[:, 3]
        return float(np.linalg.norm(apart)) <= 0.01 * float(self.spacing.min())


def foreground(values: np.ndarray) -> np.ndarray:
    """Return the voxels brighter than a tenth of the bright parts, without a black or noisy background."""
    if values.size == 0 or values.min() == values.max():
        return np.zeros(values.shape, dtype=bool)
    low = float(values.min())
    above = values[values > low]
    return values > low + FAINT * (float(np.percentile(above, 98)) - low)


def head_points(volume: Volume, spacing: float = 4.0) -> np.ndarray:
    """Return points in the head about `spacing` mm apart: [points, 3] RAS mm.

    If the volume is empty, return the centre of its grid.
    """
    coarse = volume.shrunk(spacing)
    index = np.argwhere(foreground(coarse.values))
    if len(index) == 0:
        return volume.centre()[None]
    return index @ coarse.affine[:3, :3].T + coarse.affine[:3, 3]
