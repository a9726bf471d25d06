from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scripts.data.errors import BadInputError

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SKEWED = 1e-3
_PARALLEL = 1e-3
_SAME_PLACE = 0.01
"""mm between two images that lie at one place."""
_SLIGHTLY_UNEVEN, _UNEVEN = 0.01, 0.1
"""Departure of a slice from an even spacing, relative to it, that is warned of and that is refused."""
_PIXELS_OF_SHEAR = 0.5
"""Sideways drift over the whole stack up to which it is taken to be straight."""

_AGAIN = "Export the series again"


class Geometry(NamedTuple):
    """Positions of the slices of a series.

    Args:
        order: index of each slice's image, along the normal of the images (rows × columns).
        affine: [4, 4] float64 from voxel (column, row, slice) to RAS mm.
        warnings: what is not as it should be, but does no harm.
    """

    order: list[int]
    affine: np.ndarray
    warnings: list[str]


def slice_geometry(
    positions: np.ndarray,
    orientations: np.ndarray,
    spacing: Sequence[float],
    thickness: float | None,
    names: Sequence[str],
) -> Geometry:
    """Sort the images of a series in space and compute the affine of their volume.

    Args:
        positions: [N, 3] Image Position (Patient).
        orientations: [N, 6] Image Orientation (Patient).
        spacing: Pixel Spacing: between rows, between columns.
        thickness: distance between slices where there is one slice only. Defaults to None (unknown).
        names: of the images, for messages.

    Raises:
        BadInputError: the images are cut in several directions, repeat their places, miss one among them, are spaced
            unevenly, or are shifted sideways against each other (gantry tilt).
    """
    _check_orientations(orientations, names)
    across, down = orientations[0, :3], orientations[0, 3:]
    across, down = across / np.linalg.norm(across), down / np.linalg.norm(down)
    normal = np.cross(across, down)
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    heights, positions = heights[order], positions[order]
    names = [names[index] for index in order]
    warnings: list[str] = []
    if len(order) == 1:
        if not thickness:
            raise BadInputError(f"{names[0]}: a single slice without slice thickness has no volume. {_AGAIN}.")
        step = normal * thickness
        warnings.append("the series is a single slice")
    else:
        step = _step(heights, positions, normal, float(min(spacing)), names, warnings)
    affine = np.eye(4)
    affine[:3, 0] = across * spacing[1]
    affine[:3, 1] = down * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    return Geometry([int(index) for index in order], _LPS_TO_RAS @ affine, warnings)


def _check_orientations(orientations: np.ndarray, names: Sequence[str]) -> None:
    lengths = np.linalg.norm(orientations.reshape(-1, 2, 3), axis=2)
    skew = np.abs((orientations[:, :3] * orientations[:, 3:]).sum(1))
    bad = np.flatnonzero((np.abs(lengths - 1.0).max(1) > 0.01) | (skew > _SKEWED * 10))
    if len(bad):
        raise BadInputError(
            f"{names[bad[0]]}: Image Orientation {np.round(orientations[bad[0]], 4).tolist()} is not two directions at "
            f"right angles. {_AGAIN}."
        )
    away = np.abs(orientations - np.median(orientations, axis=0)).max(1)
    odd = np.flatnonzero(away > _PARALLEL * 5)
    if len(odd):
        raise BadInputError(
            f"the series' images are cut in different directions, {_few(names, odd)} unlike the other images: it is a "
            "localizer or holds more than one series. Name another series, or leave those files out of a copy of it."
        )


def _step(
    heights: np.ndarray,
    positions: np.ndarray,
    normal: np.ndarray,
    pixel: float,
    names: Sequence[str],
    warnings: list[str],
) -> np.ndarray:
    """Vector from slice to slice, after checking that it is the same everywhere."""
    gaps = np.diff(heights)
    same = np.flatnonzero(gaps < _SAME_PLACE)
    if len(same):
        raise BadInputError(
            f"the series holds several images at one place ({len(same)} times, for instance {names[same[0]]} and "
            f"{names[same[0] + 1]}): two acquisitions in one series, which the headers do not distinguish. Put one "
            "of them into a folder of its own."
        )
    usual = float(np.median(gaps))
    wide = np.flatnonzero(gaps > 1.5 * usual)
    if len(wide):
        at = int(wide[0])
        missing = sum(round(gap / usual) - 1 for gap in gaps[wide])
        raise BadInputError(
            f"slices are missing: between {names[at]} and {names[at + 1]} lie {gaps[at]:.4g} mm, elsewhere {usual:.4g} "
            f"mm (about {missing} of {len(names) + missing} missing). {_AGAIN}, completely."
        )
    mean = (heights[-1] - heights[0]) / (len(heights) - 1)
    even = heights[0] + mean * np.arange(len(heights))
    off = float(np.abs(heights - even).max()) / mean
    if off > _UNEVEN:
        raise BadInputError(
            f"the slices are spaced unevenly, {gaps.min():.4g} to {gaps.max():.4g} mm apart: they do not form a "
            f"regular grid. Resample the series to an even spacing first, or {_AGAIN.lower()}."
        )
    if off > _SLIGHTLY_UNEVEN:
        warnings.append(
            f"slices lie up to {off * mean:.2g} mm from an even spacing of {mean:.4g} mm, which is taken for all"
        )
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    bent = np.linalg.norm(positions - (positions[0] + np.arange(len(positions))[:, None] * step), axis=1)
    sideways = np.linalg.norm(step - (step @ normal) * normal) * (len(positions) - 1)
    if sideways > _PIXELS_OF_SHEAR * pixel:
        angle = np.degrees(np.arctan2(np.linalg.norm(step - (step @ normal) * normal), step @ normal))
        raise BadInputError(
            f"the slices are shifted sideways by {sideways:.3g} mm over the stack ({angle:.2g}°: gantry tilt, or a "
            "sheared stack). ITK and most viewers would show such a volume in wrong places: resample the series to a "
            "rectangular grid first (in 3D Slicer: Acquisition geometry regularization), and fuse that."
        )
    if float(bent.max()) > max(_PIXELS_OF_SHEAR * pixel, off * mean + 1e-6):
        raise BadInputError(
            f"the slices do not lie on a line, {names[int(bent.argmax())]} is {bent.max():.3g} mm off. {_AGAIN}, or "
            "name another series."
        )
    return step


def _few(names: Sequence[str], which: Sequence[int]) -> str:
    shown = ", ".join(names[index] for index in which[:3])
    return shown if len(which) <= 3 else f"{shown} and {len(which) - 3} more"
