"""The loss of a head that estimates errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from .reported_loss import ReportedLoss


class ErrorScaleLoss(ReportedLoss):
    """Negative log-likelihood of the errors under N(0, σ²), where the image shows something.

    ``log σ + e² / (2 σ²)``, least where σ² is the expected e² (Kendall and Gal, "What uncertainties do we need in
    Bayesian deep learning for computer vision?", 2017). Pixels that are black in all sources have almost no error and
    would otherwise make up most of the loss.

    Args:
        sources: names of the sources, for the report. Defaults to ("t1gd", "flair").
        background: weight of pixels that are black in all sources. Defaults to 0.1.

    Raises:
        ValueError: when `background` is negative.
    """

    def __init__(self, sources: Sequence[str] = ("t1gd", "flair"), background: float = 0.1) -> None:
        super().__init__(sources)
        if background < 0:
            raise ValueError(f"background must not be negative, got {background}.")
        self.background = background

    def terms(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the likelihood of all sources and of each, and the ratio of the true to the expected error.

        Args:
            prediction: "error" and "sigma", each (batch_size, N, H, W).
            image: the sources, of the same shape.

        Returns:
            scalars by name, "loss" being the mean over the sources; "error_ratio_<source>" is 1 where the size of the
            expected errors is right on the whole.
        """
        error, sigma = prediction["error"], prediction["sigma"]
        shown = (image > 0).any(dim=1, keepdim=True).to(image)
        weight = shown + self.background * (1 - shown)
        surprise = sigma.log() + error.square() / (2 * sigma.square())
        loss = (surprise * weight).mean(dim=(0, 2, 3)) / weight.mean().clamp(min=1e-6)
        true, expected = ((part.square() * shown).sum(dim=(0, 2, 3)) for part in (error, sigma))
        ratio = (true / expected.clamp(min=1e-12)).sqrt()
        report = {f"likelihood_{name}": value for name, value in zip(self.sources, loss, strict=True)}
        report |= {f"error_ratio_{name}": value for name, value in zip(self.sources, ratio, strict=True)}
        return {"loss": loss.mean(), **report}
