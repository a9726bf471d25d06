"""Resample a volume to the grid of another."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from scipy.ndimage import affine_transform, spline_filter

STRIPPED_SHARE = 0.3
"""Share of voxels of exactly 0 above which 0 is taken as a masked background."""


class Resampled(NamedTuple):
    """A volume on another grid.

    Args:
        volume: [X, Y, Z] float32; 0 outside the field of view.
        inside: bool [X, Y, Z], True inside the field of view.
    """

    volume: np.ndarray
    inside: np.ndarray


def resample(
    volume: np.ndarray,
    affine: np.ndarray,
    onto: np.ndarray,
    shape: tuple[int, int, int],
    matrix: np.ndarray | None = None,
    order: int = 3,
) -> Resampled:
    """Resample a volume to a grid by B-splines, limited to the volume's range of values.

    If a voxel of the grid is longer than two of the volume's, the volume is averaged over its length, as in a thick
    slice. A background of exact zeros stays exactly 0, without ringing of the splines.

    Args:
        volume: [X, Y, Z].
        affine: its voxels to RAS mm, [4, 4].
        onto: the grid's voxels to RAS mm, [4, 4].
        shape: voxels of the grid.
        matrix: RAS mm of the grid to RAS mm of the volume, rigid, [4, 4]. Defaults to None (the same).
        order: order of the spline; 1 is linear. Defaults to 3.
    """
    volume = np.asarray(volume, dtype=np.float32)
    there = np.linalg.inv(affine) @ (np.eye(4) if matrix is None else matrix) @ onto
    inside = _inside(there, shape, volume.shape)
    # A spline needs neighbours, which an axis of one voxel lacks.
    coefficients = spline_filter(volume, order, output=np.float32, mode="mirror") if order > 1 else volume
    parts = [_part_offsets(step) for step in _steps_per_voxel(there[:3, :3], affine)]
    offsets = list(itertools.product(*parts))
    result = np.zeros(shape, dtype=np.float32)
    for offset in offsets:
        start = there[:3, 3] + there[:3, :3] @ np.asarray(offset)
        result += _sample(coefficients, there[:3, :3], start, shape, order)
    result /= len(offsets)
    np.clip(result, volume.min(), volume.max(), out=result)
    kept = inside
    if np.mean(volume == 0) >= STRIPPED_SHARE:
        kept = inside & (_sample((volume != 0).astype(np.float32), there[:3, :3], there[:3, 3], shape, 1) >= 0.5)
    result[~kept] = 0.0
    return Resampled(result, inside)


def _sample(values: np.ndarray, steps: np.ndarray, start: np.ndarray, shape: tuple[int, ...], order: int) -> np.ndarray:
    return affine_transform(
        values, steps, start, output_shape=shape, output=np.float32, order=order, mode="mirror", prefilter=False
    )


def _inside(there: np.ndarray, shape: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """Return where the centres of the grid's voxels are inside the volume."""
    inside = np.ones(shape, dtype=bool)
    index = np.ogrid[tuple(slice(n) for n in shape)]
    for axis, n in enumerate(size):
        position = sum(there[axis, i] * index[i] for i in range(3)) + there[axis, 3]
        inside &= (position >= -0.5 - 1e-4) & (position <= n - 0.5 + 1e-4)
    return inside


def _steps_per_voxel(steps: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return, for each axis of the grid, the length of a step in voxels of the volume."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    length = np.linalg.norm(affine[:3, :3] @ steps, axis=0)
    # Extent of the volume's voxel along that direction.
    direction = np.abs(steps) / np.linalg.norm(steps, axis=0)
    return length / np.sqrt(((direction * spacing[:, None]) ** 2).sum(axis=0))


def _part_offsets(steps: float) -> np.ndarray:
    parts = max(1, int(np.floor(steps + 0.05))) if steps >= 1.95 else 1
    return (np.arange(parts) + 0.5) / parts - 0.5
