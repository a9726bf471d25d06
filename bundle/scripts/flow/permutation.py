"""A fixed random order of the channels."""

from __future__ import annotations

import torch

from .step import FlowStep


class ChannelPermutation(FlowStep):
    """Reorder the channels, always in the same way.

    The order is a buffer: it is saved with the weights and comes back with them.

    Args:
        order: permutation of ``0 … channels - 1``; output channel i is input channel ``order[i]``.

    Raises:
        ValueError: when `order` is not a permutation.
    """

    def __init__(self, order: torch.Tensor) -> None:
        super().__init__(moves=True)
        if sorted(order.tolist()) != list(range(order.numel())):
            raise ValueError(f"order must hold each of 0 … {order.numel() - 1} once, got {order.tolist()}.")
        self.register_buffer("order", order.long())
        self.register_buffer("order_back", torch.argsort(order))

    @classmethod
    def random(cls, channels: int, generator: torch.Generator) -> ChannelPermutation:
        """A random order drawn from `generator`."""
        return cls(torch.randperm(channels, generator=generator))

    def undo(self) -> ChannelPermutation:
        """The step that puts the channels back where they were."""
        return ChannelPermutation(self.order_back.clone())

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Channel ``order[i]`` becomes channel i."""
        return x.index_select(1, self.order)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Channel i becomes channel ``order[i]``."""
        return y.index_select(1, self.order_back)
