"""Similarity of two aligned images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import (
    affine_transform,
    binary_fill_holes,
    distance_transform_edt,
    gaussian_filter,
    uniform_filter,
)

from .motion import rigid_matrix
from .volume import Volume, foreground

ASIDE_MM, TURNED_DEGREES = 15.0, 20.0
"""Displacement of the wrong positions from the one being assessed."""
DETAIL_MM = 2.5
"""Voxel size for comparing fine structure, mm."""
WINDOW = 5
"""Size of the correlation window in voxels along each axis."""
DEEP_MM = 12.0
"""Depth below the surface, mm, beyond which there is brain but no scalp or bone."""
FEWEST_VOXELS = 500
FLAT_VARIANCE = 1e-3
"""Share of the typical variance below which a window counts as empty."""
_BOTH_WAYS = np.vstack([np.eye(3), -np.eye(3)])


def normalised_mutual_information(one: np.ndarray, other: np.ndarray, bins: int = 32) -> float:
    """Normalised mutual information, (H(A) + H(B)) / H(A, B) − 1: 0 for independent images.

    Values are clipped to the percentiles 0.5 and 99.5, so that single bright voxels do not leave most bins empty.

    Args:
        one: values at some points.
        other: values of the other image at the same points.
        bins: grey levels of each. Defaults to 32.

    Returns:
        a number in [0, 1]; 0 if an image is constant.
    """
    pairs = _levels(one, bins) * bins + _levels(other, bins)
    joint = np.bincount(pairs, minlength=bins * bins).reshape(bins, bins) / pairs.size
    both = _entropy(joint)
    return (_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / both - 1.0 if both > 0 else 0.0


def similarity(fixed: Volume, moving: Volume, matrix: np.ndarray, spacing: float = 3.0) -> tuple[float, float]:
    """Return the similarity of two volumes after a motion, and the share of the fixed head that the other covers.

    Args:
        fixed: volume that stays.
        moving: volume that moves.
        matrix: RAS mm of `fixed` to RAS mm of `moving`, [4, 4].
        spacing: distance of the compared points, mm. Defaults to 3.

    Returns:
        normalised mutual information over both heads in the common field of view, and the share of the fixed head that
        the moving volume covers.
    """
    return _similarity(_smoothed(fixed, spacing), _smoothed(moving, spacing), matrix)


@dataclass(frozen=True)
class Likeness:
    """Agreement of the fine structure of two volumes at their current position.

    Args:
        here: squared local correlation, 0 to 1: 0 for unrelated images.
        contrast: ratio of `here` to the best value of the displaced and rotated positions.
    """

    here: float
    contrast: float


def likeness(fixed: Volume, moving: Volume, matrix: np.ndarray) -> Likeness:
    """Measure whether two volumes show the same head at their current position.

    The outlines of any two heads agree, even when 15 mm apart, so only tissue deeper than 12 mm is compared. There,
    within windows of about 12 mm, edges in one contrast coincide with edges in the other only in the same head,
    regardless of which tissue is bright. The correlation within the windows is squared and averaged. Its value depends
    on the contrasts and on noise; its ratio to wrong positions (15 mm along each axis, 20 degrees about each) depends
    on them much less.

    Args:
        fixed: volume that stays.
        moving: volume that moves.
        matrix: RAS mm of `fixed` to RAS mm of `moving`, [4, 4].
    """
    one, other = _smoothed(fixed, DETAIL_MM), _smoothed(moving, DETAIL_MM)
    inside = _interior(one)
    here = _local_correlation(one, other, matrix, inside)
    centre = one.centre()
    wrong = [matrix @ rigid_matrix(np.zeros(3), shift, centre) for shift in ASIDE_MM * _BOTH_WAYS]
    wrong += [matrix @ rigid_matrix(turn, np.zeros(3), centre) for turn in TURNED_DEGREES * _BOTH_WAYS]
    best = max(_local_correlation(one, other, moved, inside) for moved in wrong)
    return Likeness(here, here / max(best, 1e-6))


def local_correlation(fixed: Volume, moving: Volume, matrix: np.ndarray) -> float:
    """Return only `Likeness.here`, the agreement of fine structure from 0 to 1; see `likeness`."""
    one, other = _smoothed(fixed, DETAIL_MM), _smoothed(moving, DETAIL_MM)
    return _local_correlation(one, other, matrix, _interior(one))


def _smoothed(volume: Volume, spacing: float) -> Volume:
    """Return a coarser volume, smoothed by half a voxel so that interpolation between voxels is not rewarded."""
    coarse = volume.shrunk(spacing)
    return Volume(gaussian_filter(coarse.values, 0.5), coarse.affine)


def _seen(one: Volume, other: Volume, matrix: np.ndarray) -> np.ndarray:
    """Sample the other volume at the voxels of the one; NaN outside its field of view."""
    there = np.linalg.inv(other.affine) @ matrix @ one.affine
    return affine_transform(
        other.values, there[:3, :3], there[:3, 3], output_shape=one.values.shape, order=1, cval=np.nan
    )


def _interior(volume: Volume) -> np.ndarray:
    """Return the deep part of the head, or the whole head if the deep part is very small."""
    head = binary_fill_holes(foreground(volume.values))
    if head.all():
        return head
    # The edge of the field of view is not a surface.
    depth = distance_transform_edt(np.pad(head, 1, mode="edge"), sampling=volume.spacing)[1:-1, 1:-1, 1:-1]
    deep = depth > DEEP_MM
    return deep if deep.sum() >= FEWEST_VOXELS else head


def _local_correlation(one: Volume, other: Volume, matrix: np.ndarray, inside: np.ndarray) -> float:
    seen = _seen(one, other, matrix)
    points = inside & np.isfinite(seen)
    if points.sum() < FEWEST_VOXELS:
        return 0.0
    a, b = one.values.astype(np.float64), np.nan_to_num(seen.astype(np.float64))

    def mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, WINDOW)

    variances = [mean(values**2) - mean(values) ** 2 for values in (a, b)]
    for variance in variances:
        # Without structure the correlation is undefined.
        points = points & (variance > FLAT_VARIANCE * np.median(variance[points]))
        if not points.any():
            return 0.0
    covariance = mean(a * b) - mean(a) * mean(b)
    return float((covariance[points] ** 2 / (variances[0][points] * variances[1][points])).mean())


def _similarity(one: Volume, other: Volume, matrix: np.ndarray) -> tuple[float, float]:
    seen = _seen(one, other, matrix)
    reached = np.isfinite(seen)
    head = foreground(one.values)
    overlap = float((reached & head).sum() / max(1, head.sum()))
    other_head = np.zeros_like(head)
    other_head[reached] = foreground(seen[reached])
    points = reached & (head | other_head)
    if points.sum() < 2:
        return 0.0, overlap
    return normalised_mutual_information(one.values[points], seen[points]), overlap


def _levels(values: np.ndarray, bins: int) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64).ravel()
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        return np.zeros(values.size, dtype=np.int64)
    return np.clip((values - low) / (high - low) * bins, 0, bins - 1).astype(np.int64)


def _entropy(shares: np.ndarray) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
