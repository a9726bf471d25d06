from __future__ import annotations

from typing import NamedTuple

import numpy as np

FIELD_OF_VIEW = (240.0, 240.0, 156.0)
"""Extent of the BraTS frame in mm."""

CENTRE = (119.5, 115.0, 68.0)
"""Position of the template's origin (the anterior commissure) in the frame: mm from the first voxel, LPS axes."""


class Grid(NamedTuple):
    """Isotropic grid for drawing tissue: the BraTS frame (axes left, posterior, superior) or a box within it.

    Args:
        shape: number of voxels along left, posterior, superior.
        voxel: voxel size in mm.
        start: position of the first voxel in frame mm.
    """

    shape: tuple[int, int, int]
    voxel: float
    start: tuple[float, float, float]

    @classmethod
    def around_brain(cls, voxel: float) -> Grid:
        """Return the part of the frame that a brain can fill; the rest is background."""
        low = (38.0, 32.0, 0.0)
        extent = (164.0, 190.0, FIELD_OF_VIEW[2])
        # a whole number of voxels, so that the box is aligned with the frame's voxels
        start = tuple(float(voxel * np.floor(edge / voxel)) for edge in low)
        shape = tuple(round(size / voxel) for size in extent)
        return cls(shape, voxel, start)

    def points(self) -> np.ndarray:
        """Centres of all voxels in template axes (right, anterior, superior), mm from CENTRE: [3, *shape]."""
        axes = [np.float32(start + self.voxel * np.arange(n)) for start, n in zip(self.start, self.shape, strict=True)]
        x, y, z = (axis - np.float32(centre) for axis, centre in zip(axes, CENTRE, strict=True))
        return np.stack(np.meshgrid(-x, -y, z, indexing="ij"))
