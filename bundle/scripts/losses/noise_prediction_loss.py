"""The loss of a diffusion prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from .squared_l2 import squared_l2


class NoisePredictionLoss(nn.Module):
    """Mean squared error of the predicted noise (Ho et al., "Denoising Diffusion Probabilistic Models", 2020).

    Args:
        sources: names of the sources, for the report. Defaults to ("t1gd", "flair").
    """

    def __init__(self, sources: Sequence[str] = ("t1gd", "flair")) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.reported: dict[str, torch.Tensor] = {}

    def terms(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The error over all sources and of each.

        Args:
            prediction: "noise" and "predicted_noise", each (batch_size, N, …).
            image: not used; the noise is what is compared.

        Returns:
            scalars by name, "loss" being the mean over the sources.
        """
        error = squared_l2(prediction["noise"], prediction["predicted_noise"]).mean(dim=0)
        report = {f"noise_l2_{name}": value for name, value in zip(self.sources, error, strict=True)}
        return {"loss": error.mean(), **report}

    def forward(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> torch.Tensor:
        """The error over all sources; arguments as for `terms`. The terms stay in `reported`, detached."""
        terms = self.terms(prediction, image)
        self.reported = {name: value.detach() for name, value in terms.items()}
        return terms["loss"]
