"""Simulate how other scanners and archives would show the same brain, which counts as usual."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

Scanner = Callable[[torch.Tensor, int], torch.Tensor]
"""Maps normalised sources [N, X, Y, Z] and the slice axis to a changed copy."""

THICK = 5
"""Number of slices averaged to a thick one."""


def as_is(image: torch.Tensor, _: int) -> torch.Tensor:
    """Return the image unchanged."""
    return image


def contrast(*powers: float) -> Scanner:
    """Change the contrast of each source by raising its values to a power."""

    def change(image: torch.Tensor, _: int) -> torch.Tensor:
        return image.clamp(min=0) ** image.new_tensor(powers).view(-1, 1, 1, 1)

    return change


def thick_and_coarse(image: torch.Tensor, axis: int) -> torch.Tensor:
    """Average five slices each, and round to 8 bits."""
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
"""Changes that count as usual, by name. The first is no change."""
