"""Quantise numbers to integer levels."""

from __future__ import annotations

import numpy as np
import torch


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
