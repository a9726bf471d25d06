"""Quantise numbers to integer levels."""

from __future__ import annotations

import numpy as np
import torch

LEVELS = {"uint8": 255, "uint16": 65535}
"""Level that stands for 1 in each type."""


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


def as_stored(image: torch.Tensor, dtype: str | int | torch.Tensor) -> torch.Tensor:
    """Return what is read back from an image that was stored.

    Args:
        image: image of any shape, cut off at 0 and 1.
        dtype: "uint8" or "uint16", which round; "float32", which does not; or the level that stands for 1, for instance
            4095. A tensor gives each image its own level.

    Returns:
        new tensor like `image`.
    """
    shown = image.clamp(0.0, 1.0)
    if isinstance(dtype, str) and dtype == "float32":
        return shown
    highest = LEVELS[dtype] if isinstance(dtype, str) else dtype
    return shown.mul_(highest).round_().div_(highest)
