from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from .grid import FIELD_OF_VIEW, Grid


def smooth_noise(rng: np.random.Generator, grid: Grid, length: float) -> np.ndarray:
    """Gaussian random field with mean 0 and variance 1 on the grid.

    It is drawn on a separate lattice, fixed in millimetres: one generator gives the same field at any voxel size
    (except for fields finer than the voxels).

    Args:
        rng: random generator.
        grid: voxels at which to sample the field.
        length: standard deviation of the smoothing kernel in mm.

    Returns:
        float32, the grid's shape.
    """
    pitch = max(length / 1.5, 1.0, 0.5 * grid.voxel)
    lattice = [int(np.ceil(extent / pitch)) + 3 for extent in FIELD_OF_VIEW]
    field = gaussian_filter(rng.standard_normal(lattice, dtype=np.float32), length / pitch, mode="wrap")
    field = (field - field.mean()) / field.std()
    for axis, nodes in enumerate(lattice):
        where = (grid.start[axis] + grid.voxel * np.arange(grid.shape[axis])) / pitch
        spline = CubicSpline(np.arange(nodes), np.eye(nodes))(where).astype(np.float32)
        field = np.moveaxis(np.tensordot(spline, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def smoothstep(values: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smooth S between them."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)
