"""AnySize: FusionINN as one graph for odd and even sizes."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F

from scripts.networks import FusionINN


class AnySize(FusionINN):
    """`FusionINN` without a branch on its input's size, so that one traced graph takes odd and even ones.

    The network pads odd sizes and then masks what it padded; even ones go without a mask. Here the mask is always
    there. It is one everywhere for an even size, and a product with one changes no bit: both give the same numbers.
    """

    @classmethod
    def of(cls, network: FusionINN) -> AnySize:
        """The same network, weights shared, in this form."""
        twin = copy.copy(network)
        twin.__class__ = cls
        return twin

    def _pad_to_even(self, x: torch.Tensor) -> torch.Tensor:
        for axis in range(2, x.dim()):
            x = _even(x, axis)
        return x

    def _inside(self, values: torch.Tensor, padded: torch.Tensor) -> torch.Tensor | None:
        return self._pad_to_even(torch.ones_like(values[:1]))

    def _crop(self, x: torch.Tensor, size: list[int]) -> torch.Tensor:
        # A slice would ask whether the size is odd; a choice of rows does not.
        for axis, length in enumerate(size, start=2):
            x = x.index_select(axis, torch.arange(length, device=x.device))
        return x


def _even(x: torch.Tensor, axis: int) -> torch.Tensor:
    """Pad one axis with zeros to an even length, which is 2 · ⌈n / 2⌉ in the graph whatever n is."""
    behind = [0, 0] * (x.dim() - 1 - axis) + [0, 1]
    before = (slice(None),) * axis
    first, second = x[(*before, slice(0, None, 2))], F.pad(x, behind)[(*before, slice(1, None, 2))]
    return torch.stack((first, second), dim=axis + 1).flatten(axis, axis + 1)
