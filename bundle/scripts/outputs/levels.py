"""Integer levels that stand for numbers in a file."""

from __future__ import annotations

import numpy as np


def to_levels(page: np.ndarray, slope: float, intercept: float, lowest: float, highest: float) -> np.ndarray:
    """Round numbers to integer levels: number = intercept + slope * level.

    Args:
        page: array of any shape. It is converted to double precision, so pass one slice of a volume at a time.
        slope: difference between neighbouring levels.
        intercept: number represented by level 0.
        lowest: lowest level; lower numbers are clipped to it.
        highest: highest level; higher numbers are clipped to it.

    Returns:
        float64 array of whole numbers, of the same shape.
    """
    return np.rint((page.astype(np.float64) - intercept) / slope).clip(lowest, highest)
