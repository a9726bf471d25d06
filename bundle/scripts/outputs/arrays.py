"""Volumes as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_array(volume: Any) -> np.ndarray:
    """Return a tensor or an array as an array on the CPU.

    Args:
        volume: tensor on any device, or whatever NumPy takes.
    """
    if hasattr(volume, "detach"):
        volume = volume.detach().cpu().numpy()
    return np.asarray(volume)
