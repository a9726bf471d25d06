from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from .grid import Grid
from .noise import smooth_noise, smoothstep


def individual_points(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """Map each voxel of an individual head to the template: scaled, rotated and asymmetric.

    Returns:
        template millimetres, [3, *grid.shape].
    """
    scale = np.array([0.94, 0.93, 0.90]) * rng.normal(1.0, 0.012, 3)
    turn = np.radians(rng.normal(0.0, [2.5, 2.0, 3.0]))
    matrix = _rotation(*turn) @ np.diag(1.0 / scale)
    points = np.tensordot(matrix.astype(np.float32), grid.points(), axes=1)
    for length, amplitude in ((30.0, 3.2), (13.0, 1.7), (6.0, 1.15)):
        for axis in range(3):
            points[axis] += amplitude * smooth_noise(rng, grid, length)
    return points


def mass_effect(grid: Grid, centre: np.ndarray, radius: float, push: float, mask: np.ndarray) -> np.ndarray:
    """Displacement of tissue around a tumour away from its centre, within the fixed outline of the skull.

    Args:
        grid: voxels.
        centre: centre of the tumour, mm as in `grid.points()`.
        radius: radius of the tumour in mm.
        push: displacement at the tumour's edge in mm.
        mask: brain.

    Returns:
        mm to add to `grid.points()` before sampling, [3, *grid.shape].
    """
    offset = grid.points() - np.float32(centre).reshape(3, 1, 1, 1)
    distance = np.sqrt((offset**2).sum(0)) + 1e-3
    amount = push * (distance / radius) * np.exp(1.0 - distance / radius)
    amount *= smoothstep(distance_transform_edt(mask) * grid.voxel, 0.0, 18.0)
    return -offset / distance * amount


def pull(volume_points: np.ndarray, grid: Grid, displacement: np.ndarray) -> np.ndarray:
    """Compose a map of points [3, *shape] with a further displacement (mm, template axes) of its voxels."""
    index = np.indices(grid.shape, dtype=np.float32)
    for axis, sign in enumerate((-1.0, -1.0, 1.0)):
        index[axis] += sign * displacement[axis] / grid.voxel
    return np.stack([map_coordinates(component, index, order=1, mode="nearest") for component in volume_points])


def _rotation(x: float, y: float, z: float) -> np.ndarray:
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    return (
        np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    )
