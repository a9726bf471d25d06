"""Rigid motions in numbers: how far they move a head, and how much they turn it."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def rigid_matrix(degrees: np.ndarray, shift: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the motion that turns about the x, y and z axis through `centre`, in this order, and then shifts.

    Args:
        degrees: angle about each axis.
        shift: mm along each axis.
        centre: point that the axes go through, mm.

    Returns:
        [4, 4], mm to mm.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = np.asarray(centre) + shift - matrix[:3, :3] @ centre
    return matrix


def rotation_degrees(matrix: np.ndarray) -> list[float]:
    """Angles about the x, y and z axis, turned in this order."""
    return [float(angle) for angle in Rotation.from_matrix(matrix[:3, :3]).as_euler("xyz", degrees=True)]


def turn_degrees(matrix: np.ndarray) -> float:
    """The angle of the one rotation that all three are together."""
    return float(np.degrees(Rotation.from_matrix(matrix[:3, :3]).magnitude()))


def shift_of(matrix: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Where to a point is moved from where it was, mm."""
    return matrix[:3, :3] @ point + matrix[:3, 3] - point


def largest_displacement(matrix: np.ndarray, points: np.ndarray, other: np.ndarray | None = None) -> float:
    """Largest distance that a point is moved, or that lies between where two motions move it.

    Args:
        matrix: [4, 4], mm to mm.
        points: [points, 3], mm.
        other: the motion to compare with. Defaults to None (no motion).
    """
    difference = matrix - (np.eye(4) if other is None else other)
    return float(np.linalg.norm(points @ difference[:3, :3].T + difference[:3, 3], axis=1).max())
