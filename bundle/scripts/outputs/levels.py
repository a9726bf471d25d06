"""Round numbers as a file that stores integers does."""

from __future__ import annotations

import numpy as np
import torch


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


def unit_levels(page: np.ndarray, highest: int) -> np.ndarray:
    """Round numbers between 0 and 1 to levels: number = level / highest.

    Args:
        page: array of any shape, cut off at 0 and 1. It is taken to double precision.
        highest: level that stands for 1, for instance 255.

    Returns:
        float64 array of whole numbers, of the same shape.
    """
    return np.rint(page.clip(0.0, 1.0).astype(np.float64) * highest)


def as_stored(image: torch.Tensor, highest: int | torch.Tensor) -> torch.Tensor:
    """Return what is read back from an image that is stored in integer levels.

    Args:
        image: image of any shape, cut off at 0 and 1.
        highest: level that stands for 1, for instance 255; a tensor gives each image its own.

    Returns:
        tensor like `image`.
    """
    return image.clamp(0.0, 1.0).mul_(highest).round_().div_(highest)
