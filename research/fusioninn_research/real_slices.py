"""Choose slices of a real patient for testing exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from scripts.transforms.slicing import to_slices
from scripts.typicality.chosen_slices import chosen_slices


def real_slices(
    records: Sequence[dict[str, Any]], read: Callable[[dict[str, Any]], dict[str, Any]], count: int
) -> torch.Tensor:
    """Return evenly spaced slices of the first patient that show much brain.

    Args:
        records: patients, as `find_patients` returns them.
        read: reads and normalises a patient, as for fusion.
        count: largest number of slices.

    Returns:
        normalised sources (count, N, H, W).
    """
    data = read(records[0])
    image = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
    axis = data["intensity_scale"]["slice_axis"]
    numbers, _, _ = chosen_slices(image, axis, count)
    return to_slices(image, axis)[numbers].contiguous()
