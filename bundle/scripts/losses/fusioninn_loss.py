"""The total loss, Eq. 5 of the paper, and its terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from .fusion_loss import FusionLoss, check_weight
from .haar import finest_haar_bands
from .mmd import MMDLoss
from .squared_l2 import squared_l2


class FusionINNLoss(FusionLoss):
    """Fusion, latent and decomposition loss in one, with every term reported.

    ::

        loss   = α (fusion + w_latent · latent) + (1 - α) decomposition + w_detail · detail + w_range · range   (Eq. 5)
        fusion = λ Σ_i (1 - SSIM(x_i, y)) + (1 - λ) Σ_i |y - x_i|²                                            (Eq. 2, 3)
        decomposition = λ Σ_i (1 - SSIM(x_i, x̂_i)) + (1 - λ) Σ_i |x̂_i - x_i|²                                 (Eq. 4)
        latent = MMD(z, p), with p the distribution of fresh latents, N(0, I) by default

    SSIM and squared l2 are means over pixels and images and sums over the sources. `detail` and `range` are not in the
    paper: the first is the squared difference between the finest Haar bands of the fused image and of the mean of the
    sources (it keeps the code that decomposition needs from showing as a pattern), the second the squared excess of the
    fused image over [0, 1], which a stored file would cut off.

    Args:
        alpha: weight α of the forward direction, 0 to 1. Defaults to 0.65; the paper has 0.5.
        lam: weight λ of SSIM against squared l2, 0 to 1. Defaults to 0.8.
        latent_weight: weight of the MMD. Defaults to 0.1; the paper has 1.
        detail_weight: weight of the detail term. Defaults to 0.0.
        range_weight: weight of the range term. Defaults to 10.0.
        latent_kernel: kernel of the MMD, see `MMDLoss`. Defaults to "imq".
        latent: distribution that the latent should have, see `MMDLoss`. Defaults to "normal".
        sources: names of the sources, for the report. Defaults to ("t1gd", "flair").

    Raises:
        ValueError: when α or λ is outside [0, 1].
    """

    def __init__(
        self,
        alpha: float = 0.65,
        lam: float = 0.8,
        latent_weight: float = 0.1,
        detail_weight: float = 0.0,
        range_weight: float = 10.0,
        latent_kernel: str = "imq",
        latent: str = "normal",
        sources: Sequence[str] = ("t1gd", "flair"),
    ) -> None:
        super().__init__(lam, sources)
        check_weight("alpha", alpha)
        self.alpha = alpha
        self.latent_weight = latent_weight
        self.detail_weight = detail_weight
        self.range_weight = range_weight
        self.mmd = MMDLoss(latent_kernel, latent=latent)

    def terms(self, prediction: Mapping[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute every term and their weighted sum.

        Args:
            prediction: "fused" (batch_size, 1, …), "latent" (batch_size, N - 1, …) and "decomposed" (batch_size, N, …);
                optional "usual", see `FusionLoss`.
            image: sources (batch_size, N, …) in [0, 1].

        Returns:
            scalars by name, "loss" being the total; SSIM values themselves are given per source.
        """
        fused = prediction["fused"]
        fusion = super().terms(prediction, image)
        decomposition = self.compare("decomposition", "decomposed", prediction["decomposed"], image)
        latent = self.mmd(prediction["latent"]) if self.latent_weight > 0 else fused.new_zeros(())
        mean = image.mean(dim=1, keepdim=True)
        detail = squared_l2(finest_haar_bands(fused).flatten(1, 2), finest_haar_bands(mean).flatten(1, 2)).mean()
        excess = squared_l2(fused, fused.clamp(0.0, 1.0)).mean()
        loss = (
            self.alpha * (fusion["fusion"] + self.latent_weight * latent)
            + (1 - self.alpha) * decomposition["decomposition"]
            + self.detail_weight * detail
            + self.range_weight * excess
        )
        return fusion | decomposition | {"loss": loss, "latent": latent, "detail": detail, "range": excess}
