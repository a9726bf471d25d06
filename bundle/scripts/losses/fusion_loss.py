"""The fusion loss, Eq. 3 of the paper; methods that cannot decompose are trained on it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from .reported_loss import ReportedLoss
from .squared_l2 import squared_l2
from .ssim import SSIM


class FusionLoss(ReportedLoss):
    """Distance of the fused image from the sources, with every term reported.

    ::

        fusion = λ Σ_i (1 - SSIM(x_i, y)) + (1 - λ) Σ_i |y - x_i|²                                            (Eq. 2, 3)

    SSIM and squared l2 are means over pixels and images and sums over the sources. Images that the prediction calls
    unusual, such as imitations of other machines, do not count: SSIM with both is highest for an image that repeats
    one source where the other is empty.

    Args:
        lam: weight λ of SSIM against squared l2, 0 to 1. Defaults to 0.8.
        sources: names of the sources, for the report. Defaults to ("t1gd", "flair").

    Raises:
        ValueError: when λ is outside [0, 1].
    """

    def __init__(self, lam: float = 0.8, sources: Sequence[str] = ("t1gd", "flair")) -> None:
        super().__init__(sources)
        check_weight("lam", lam)
        self.lam = lam
        self.ssim = SSIM()

    def terms(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute every term and the loss.

        Args:
            prediction: "fused" (batch_size, 1, …), and optionally "usual" (batch_size,), false for images that do not
                count.
            image: sources (batch_size, N, …) in [0, 1].

        Returns:
            scalars by name, "loss" being the total; SSIM values themselves are given per source.
        """
        fused = prediction["fused"].expand_as(image)
        fusion = self.compare("fusion", "fused", fused, image, prediction.get("usual"))
        return {"loss": fusion["fusion"], **fusion}

    def compare(
        self, term: str, kind: str, other: torch.Tensor, image: torch.Tensor, counts: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Compute the sum of Eq. 2 to 4 for images that should look like the sources.

        Args:
            term: name of the sum.
            kind: prefix of the names of the SSIM values.
            other: images (batch_size, N, …).
            image: sources (batch_size, N, …) in [0, 1].
            counts: whether each image counts, (batch_size,). Defaults to None (all). Where none does, the terms are 0.

        Returns:
            scalars by name: the sum, its squared l2, and SSIM per source.
        """
        ssim, l2 = self.ssim(image, other), squared_l2(image, other)
        if counts is None:
            ssim, l2 = ssim.mean(dim=0), l2.mean(dim=0).sum()
        else:
            shares = counts.to(image.dtype) / counts.sum().clamp(min=1)
            ssim, l2 = 1 - shares @ (1 - ssim), (shares @ l2).sum()
        report = {term: self.lam * (1 - ssim).sum() + (1 - self.lam) * l2, f"{term}_l2": l2}
        return report | {f"{kind}_ssim_{name}": ssim[i] for i, name in enumerate(self.sources)}


def check_weight(name: str, value: float) -> None:
    """Check that a weight lies between 0 and 1.

    Raises:
        ValueError: when it is outside [0, 1].
    """
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}.")
