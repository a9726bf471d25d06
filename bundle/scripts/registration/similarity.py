"""How much two images tell about each other, where one is thought to lie on the other."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from .volume import Volume, foreground

ASIDE_MM = 15.0


def normalised_mutual_information(one: np.ndarray, other: np.ndarray, bins: int = 32) -> float:
    """Normalised mutual information, (H(A) + H(B)) / H(A, B) − 1: 0 for images that have nothing to do with each other.

    Values beyond the percentiles 0.5 and 99.5 count as those, so that single bright voxels do not empty the bins.

    Args:
        one: values at some points.
        other: values of the other image at the same points.
        bins: grey levels of each. Defaults to 32.

    Returns:
        a number in [0, 1]; 0 where an image is constant.
    """
    pairs = _levels(one, bins) * bins + _levels(other, bins)
    joint = np.bincount(pairs, minlength=bins * bins).reshape(bins, bins) / pairs.size
    both = _entropy(joint)
    return (_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / both - 1.0 if both > 0 else 0.0


def similarity(fixed: Volume, moving: Volume, matrix: np.ndarray, spacing: float = 3.0) -> tuple[float, float]:
    """How alike two volumes are when one is moved, and how much of the fixed head the other one covers.

    Args:
        fixed: volume that stays.
        moving: volume that moves.
        matrix: RAS mm of `fixed` to RAS mm of `moving`, [4, 4].
        spacing: of the points compared, mm. Defaults to 3.

    Returns:
        normalised mutual information over both heads as far as both volumes reach, and the share of the fixed head
        that the moving volume reaches.
    """
    # Smoothed by half a voxel, so that a position between voxels is not rewarded for averaging noise.
    one, other = (
        Volume(gaussian_filter(coarse.values, 0.5), coarse.affine) for coarse in _coarse(fixed, moving, spacing)
    )
    return _similarity(one, other, matrix)


def peak(fixed: Volume, moving: Volume, matrix: np.ndarray, spacing: float = 3.0) -> float:
    """How many times more similar two volumes are where they lie than 15 mm aside, whichever side is best.

    Two images of one head have a sharp peak where it lies on itself; of two things that merely are about as large,
    every position is about as good. See `similarity` for the arguments.
    """
    one, other = (
        Volume(gaussian_filter(coarse.values, 0.5), coarse.affine) for coarse in _coarse(fixed, moving, spacing)
    )
    here, _ = _similarity(one, other, matrix)
    aside = []
    for shift in ASIDE_MM * np.vstack([np.eye(3), -np.eye(3)]):
        moved = matrix.copy()
        moved[:3, 3] += shift
        aside.append(_similarity(one, other, moved)[0])
    return here / max(max(aside), 1e-6)


def _coarse(fixed: Volume, moving: Volume, spacing: float) -> tuple[Volume, Volume]:
    return fixed.shrunk(spacing), moving.shrunk(spacing)


def _similarity(one: Volume, other: Volume, matrix: np.ndarray) -> tuple[float, float]:
    there = np.linalg.inv(other.affine) @ matrix @ one.affine
    seen = affine_transform(
        other.values, there[:3, :3], there[:3, 3], output_shape=one.values.shape, order=1, cval=np.nan
    )
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
