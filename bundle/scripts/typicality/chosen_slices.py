"""Choose the slices of a case to examine, and crop them to the brain."""

from __future__ import annotations

import torch

from scripts.data.slices import brain_mask
from scripts.transforms.slicing import to_slices

LEAST_AREA = 0.5
"""Smallest brain area of a chosen slice, as a share of the largest area of the case."""
MARGIN = 8
"""Margin around the brain in pixels."""


def chosen_slices(image: torch.Tensor, axis: int, count: int) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """Take evenly spaced slices with much brain, and crop them to the bounding box of their brains.

    Args:
        image: normalised sources [N, X, Y, Z].
        axis: spatial axis along which the slices are taken.
        count: largest number of slices.

    Returns:
        their indices, the slices (B, N, H, W), and the brain mask (B, 1, H, W).
    """
    brain = to_slices(brain_mask(image), axis)
    area = brain.float().sum(dim=(1, 2, 3))
    candidates = torch.nonzero((area >= LEAST_AREA * area.max()) & (area > 0)).flatten()
    if not len(candidates):
        return [], to_slices(image, axis)[:0], brain[:0]
    steps = (torch.arange(min(count, len(candidates))) + 0.5) * len(candidates) / min(count, len(candidates))
    numbers = candidates[steps.long()]
    box = [_around(brain[numbers].any(dim=0)[0].any(dim=other)) for other in (1, 0)]
    cut = (numbers, slice(None), *box)
    return numbers.tolist(), to_slices(image, axis)[cut].contiguous(), brain[cut].contiguous()


def _around(inside: torch.Tensor) -> slice:
    where = torch.nonzero(inside).flatten()
    return slice(max(int(where[0]) - MARGIN, 0), int(where[-1]) + 1 + MARGIN)
