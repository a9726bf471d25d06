"""The same brain as other scanners and archives would show it, which is nothing unusual."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

Scanner = Callable[[torch.Tensor, int], torch.Tensor]
"""Takes normalised sources [N, X, Y, Z] and the axis of the slices to a changed copy."""

THICK = 5
"""Slices that one thick one is the mean of."""


def as_is(image: torch.Tensor, _: int) -> torch.Tensor:
    """No change."""
    return image


def contrast(*powers: float) -> Scanner:
    """Another contrast of each source: its values raised to a power."""

    def change(image: torch.Tensor, _: int) -> torch.Tensor:
        return image.clamp(min=0) ** image.new_tensor(powers).view(-1, 1, 1, 1)

    return change


def thick_and_coarse(image: torch.Tensor, axis: int) -> torch.Tensor:
    """Slices five times as thick, stored with 8 bits."""
    moved = image.movedim(axis + 1, 3)
    if moved.shape[3] >= 2 * THICK:
        moved = functional.avg_pool3d(moved[None], (1, 1, THICK))[0]
    top = moved.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    return ((moved / top * 255).round() / 255).movedim(3, axis + 1)


SCANNERS: dict[str, Scanner] = {
    "as it is": as_is,
    "first darker, second brighter": contrast(1.25, 0.8),
    "first brighter, second darker": contrast(0.8, 1.25),
    "thick slices, 8 bits": thick_and_coarse,
}
"""Changes that count as usual, by name. The first is none."""
