"""Bring a volume onto another one's grid."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from scipy.ndimage import affine_transform, spline_filter

STRIPPED_SHARE = 0.3
"""From this share of voxels that are exactly 0 on, the 0 is a background that somebody cut out."""


class Resampled(NamedTuple):
    """A volume on another grid.

    Args:
        volume: [X, Y, Z] float32; 0 where the volume does not reach.
        inside: bool [X, Y, Z], where it does.
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
    """Resample a volume to a grid, by B-splines that never leave the range of the volume.

    A voxel of the grid that is longer than two of the volume's is the mean over its length, as a thick slice is. A
    background of exact zeros stays exactly 0, so that splines do not ring in it.

    Args:
        volume: [X, Y, Z].
        affine: its voxels to RAS mm, [4, 4].
        onto: the grid's voxels to RAS mm, [4, 4].
        shape: voxels of the grid.
        matrix: RAS mm of the grid to RAS mm of the volume, rigid, [4, 4]. Defaults to None (the same).
        order: of the spline; 1 is linear. Defaults to 3.
    """
    volume = np.asarray(volume, dtype=np.float32)
    there = np.linalg.inv(affine) @ (np.eye(4) if matrix is None else matrix) @ onto
    inside = _inside(there, shape, volume.shape)
    # Slices of one voxel have no neighbours to bend a spline by.
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
    """Where the grid's voxels have their middle in a voxel of the volume."""
    inside = np.ones(shape, dtype=bool)
    index = np.ogrid[tuple(slice(n) for n in shape)]
    for axis, n in enumerate(size):
        position = sum(there[axis, i] * index[i] for i in range(3)) + there[axis, 3]
        inside &= (position >= -0.5 - 1e-4) & (position <= n - 0.5 + 1e-4)
    return inside


def _steps_per_voxel(steps: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """For each axis of the grid, how many voxels of the volume one step goes through."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    length = np.linalg.norm(affine[:3, :3] @ steps, axis=0)
    # The extent of the volume's voxel along that direction.
    direction = np.abs(steps) / np.linalg.norm(steps, axis=0)
    return length / np.sqrt(((direction * spacing[:, None]) ** 2).sum(axis=0))


def _part_offsets(steps: float) -> np.ndarray:
    parts = max(1, int(np.floor(steps + 0.05))) if steps >= 1.95 else 1
    return (np.arange(parts) + 0.5) / parts - 0.5
