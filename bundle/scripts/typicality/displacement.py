"""Estimate the displacement between two pictures of one brain."""

from __future__ import annotations

import numpy as np

REACH = 0.2
"""Largest displacement searched for, as a share of the picture's size."""


def displacement(one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> float:
    """Return the length of the displacement at which the edges of two pictures agree best.

    Args:
        one: gradient magnitudes (H, W).
        other: those of the other picture.
        inside: bool (H, W), the region to compare.

    Returns:
        pixels; 0 if the region is empty.
    """
    if not inside.any():
        return 0.0
    height, width = inside.shape
    size = (2 * height, 2 * width)
    centred = [np.where(inside, part - part[inside].mean(), 0.0) for part in (one, other)]
    first, second = (np.fft.rfft2(part, size) for part in centred)
    agreement = np.fft.irfft2(first.conj() * second, size)
    rows, columns = (np.fft.fftfreq(count, 1 / count) for count in size)
    near = (np.abs(rows)[:, None] <= REACH * height) & (np.abs(columns)[None] <= REACH * width)
    best = np.unravel_index(np.argmax(np.where(near, agreement, -np.inf)), size)
    return float(np.hypot(rows[best[0]], columns[best[1]]))
