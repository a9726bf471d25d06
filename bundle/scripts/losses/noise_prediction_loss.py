"""The loss of a diffusion prior."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .reported_loss import ReportedLoss
from .squared_l2 import squared_l2


class NoisePredictionLoss(ReportedLoss):
    """Mean squared error of the predicted noise (Ho et al., "Denoising Diffusion Probabilistic Models", 2020).

    Args:
        sources: names of the sources, for the report. Defaults to ("t1gd", "flair").
    """

    def terms(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the error of all sources and of each.

        Args:
            prediction: "noise" and "predicted_noise", each (batch_size, N, …).
            image: not used; the loss compares the noise.

        Returns:
            scalars by name, "loss" being the mean over the sources.
        """
        error = squared_l2(prediction["noise"], prediction["predicted_noise"]).mean(dim=0)
        report = {f"noise_l2_{name}": value for name, value in zip(self.sources, error, strict=True)}
        return {"loss": error.mean(), **report}
