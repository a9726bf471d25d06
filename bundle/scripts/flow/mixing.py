"""Mean and differences of the sources."""

from __future__ import annotations

import torch

from .step import FlowStep


class SourceMixing(FlowStep):
    """The mean of the sources first, then what it takes to get them back.

    Channel 0 becomes the mean of all N channels, channel i the difference of source i to source 0. A flow that begins
    so begins from mean fusion, the strongest of the simple baselines, and has only to learn what to improve. Volume is
    kept.
    """

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Sources to mean and differences."""
        differences = x[:, 1:] - x[:, :1]
        mean = x[:, :1] + differences.sum(dim=1, keepdim=True) / x.shape[1]
        return torch.cat((mean, differences), dim=1)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Mean and differences to sources."""
        differences = y[:, 1:]
        first = y[:, :1] - differences.sum(dim=1, keepdim=True) / y.shape[1]
        return torch.cat((first, differences + first), dim=1)
