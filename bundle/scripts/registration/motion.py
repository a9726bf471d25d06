"""Rotation angles and displacements of rigid motions."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def rigid_matrix(degrees: np.ndarray, shift: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the motion that rotates about the x, y and z axis through `centre`, in this order, and then shifts.

    Args:
        degrees: angle about each axis.
        shift: mm along each axis.
        centre: point on all three axes, mm.

    Returns:
        [4, 4], mm to mm.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = np.asarray(centre) + shift - matrix[:3, :3] @ centre
    return matrix


def rotation_degrees(matrix: np.ndarray) -> list[float]:
    """Return the rotation angles about the x, y and z axis, in this order."""
    return [float(angle) for angle in Rotation.from_matrix(matrix[:3, :3]).as_euler("xyz", degrees=True)]


def turn_degrees(matrix: np.ndarray) -> float:
    """Return the total rotation angle."""
    return float(np.degrees(Rotation.from_matrix(matrix[:3, :3]).magnitude()))


def shift_of(matrix: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the displacement of a point, mm."""
    return matrix[:3, :3] @ point + matrix[:3, 3] - point


def largest_displacement(matrix: np.ndarray, points: np.ndarray, other: np.ndarray | None = None) -> float:
    """Return the largest displacement of any point, or the largest distance between its positions after two motions.

    Args:
        matrix: [4, 4], mm to mm.
        points: [points, 3], mm.
        other: the motion to compare with. Defaults to None (no motion).
    """
    difference = matrix - (np.eye(4) if other is None else other)
    return float(np.linalg.norm(points @ difference[:3, :3].T + difference[:3, 3], axis=1).max())
