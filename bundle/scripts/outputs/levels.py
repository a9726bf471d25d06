"""Integer levels that stand for numbers in a file."""

from __future__ import annotations

import numpy as np


def to_levels(page: np.ndarray, slope: float, intercept: float, lowest: float, highest: float) -> np.ndarray:
    """Round numbers to the levels that stand for them: number = intercept + slope * level.

    Args:
        page: array of any shape. It is taken to double precision, so give a slice of a volume at a time.
        slope: difference of two neighbouring levels.
        intercept: number that level 0 stands for.
        lowest: lowest level; numbers below it are cut off.
        highest: highest level; numbers above it are cut off.

    Returns:
        float64 array of whole numbers, of the same shape.
    """
    return np.rint((page.astype(np.float64) - intercept) / slope).clip(lowest, highest)
