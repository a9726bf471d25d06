"""The base of losses that report their terms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import nn


class ReportedLoss(nn.Module, ABC):
    """A loss made of terms, each of which training reports (`LossTerms`).

    Args:
        sources: names of the sources, for the report. Defaults to ("t1gd", "flair").
    """

    def __init__(self, sources: Sequence[str] = ("t1gd", "flair")) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.reported: dict[str, torch.Tensor] = {}

    @abstractmethod
    def terms(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute every term.

        Args:
            prediction: what the inferer returns, by name.
            image: sources (batch_size, N, …).

        Returns:
            scalars by name, "loss" being the total.
        """

    def forward(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> torch.Tensor:
        """Return the total alone; arguments as for `terms`. The terms stay in `reported`, detached."""
        terms = self.terms(prediction, image)
        self.reported = {name: value.detach() for name, value in terms.items()}
        return terms["loss"]
