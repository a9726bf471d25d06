"""AnySize: FusionINN as one graph for all sizes."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F

from scripts.networks import FusionINN


class AnySize(FusionINN):
    """`FusionINN` without a branch on its input's size, so that one traced graph accepts any size.

    The network pads to a multiple of its coarsest scale and masks the padding; sizes that are multiples already need no
    mask. Here the mask is always applied. For multiples it is one everywhere, so the results are bit-identical.
    """

    @classmethod
    def of(cls, network: FusionINN) -> AnySize:
        """Convert a network to this class, with shared weights."""
        twin = copy.copy(network)
        twin.__class__ = cls
        return twin

    def _pad(self, x: torch.Tensor) -> torch.Tensor:
        for axis in range(2, x.dim()):
            x = _to_multiple(x, axis, self.size_multiple)
        return x

    def _inside(self, values: torch.Tensor, padded: torch.Tensor) -> torch.Tensor | None:
        return self._pad(torch.ones_like(values[:1]))

    def _crop(self, x: torch.Tensor, size: list[int]) -> torch.Tensor:
        # Slicing would branch on whether the size is odd; index selection does not.
        for axis, length in enumerate(size, start=2):
            x = x.index_select(axis, torch.arange(length, device=x.device))
        return x


def _to_multiple(x: torch.Tensor, axis: int, multiple: int) -> torch.Tensor:
    """Pad one axis with zeros to a multiple m, m · ⌈n / m⌉ in the graph for any n."""
    before = (slice(None),) * axis
    parts = []
    for first in range(multiple):
        behind = [0, 0] * (x.dim() - 1 - axis) + [0, first]
        parts.append(F.pad(x, behind)[(*before, slice(first, None, multiple))])
    return torch.stack(parts, dim=axis + 1).flatten(axis, axis + 1)
