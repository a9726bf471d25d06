"""AnySize: FusionINN as one graph for odd and even sizes."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F

from scripts.networks import FusionINN


class AnySize(FusionINN):
    """`FusionINN` without a branch on its input's size, so that one traced graph accepts odd and even sizes.

    The network pads odd sizes and masks the padding; even sizes need no mask. Here the mask is always applied. For even
    sizes it is one everywhere, so the results are bit-identical.
    """

    @classmethod
    def of(cls, network: FusionINN) -> AnySize:
        """Convert a network to this class, with shared weights."""
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
        # Slicing would branch on whether the size is odd; index selection does not.
        for axis, length in enumerate(size, start=2):
            x = x.index_select(axis, torch.arange(length, device=x.device))
        return x


def _even(x: torch.Tensor, axis: int) -> torch.Tensor:
    """Pad one axis with zeros to an even length, 2 · ⌈n / 2⌉ in the graph for any n."""
    behind = [0, 0] * (x.dim() - 1 - axis) + [0, 1]
    before = (slice(None),) * axis
    first, second = x[(*before, slice(0, None, 2))], F.pad(x, behind)[(*before, slice(1, None, 2))]
    return torch.stack((first, second), dim=axis + 1).flatten(axis, axis + 1)
