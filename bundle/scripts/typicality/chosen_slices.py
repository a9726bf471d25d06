"""The slices of a case that are looked at, cut to the brain."""

from __future__ import annotations

import torch

from scripts.data.slices import brain_mask
from scripts.transforms.slicing import to_slices

LEAST_AREA = 0.5
"""Share of the largest brain area of the case that a slice needs."""
MARGIN = 8
"""Pixels around the brain that are kept."""


def chosen_slices(image: torch.Tensor, axis: int, count: int) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """Take slices with much brain, evenly spaced, and cut them to the box that holds their brains.

    Args:
        image: normalised sources [N, X, Y, Z].
        axis: spatial axis that the slices lie along.
        count: most slices to take.

    Returns:
        their numbers, the slices (B, N, H, W), and where there is brain (B, 1, H, W).
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
