"""Maximum mean discrepancy between the latent and the distribution that fresh latents are drawn from."""

from __future__ import annotations

import torch
from torch import nn

from scripts.flow.latent import LATENT_KINDS, draw_like

KERNELS = ("imq", "published")
IMQ_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
PUBLISHED_WIDTHS = (0.05, 0.2, 0.9)


class MMDLoss(nn.Module):
    """Squared maximum mean discrepancy between latent images and a distribution of independent pixels.

    A whole latent image as one sample has tens of thousands of dimensions, and a kernel of fixed width is zero between
    any two of them: the loss is then a constant. Here a sample is a small patch, of dimension d, and the kernel is the
    mean of inverse multiquadrics ``C / (C + |a - b|²)`` with ``C = 2 d s`` for several scales s, so that its width
    follows the dimension (Tolstikhin et al., "Wasserstein Auto-Encoders", 2018). The estimator leaves out the diagonal
    and is unbiased: it is zero on average, and may be slightly negative, when the latent has that distribution.

    Args:
        kernel: "imq" as above; "published" is that of the paper's authors, the sum of ``a² / (a² + |x - y|²)`` for the
            widths a = 0.05, 0.2 and 0.9, on whole images and with the diagonal (its gradient vanishes; for comparison).
            Defaults to "imq".
        patch_size: side of a patch in pixels. Defaults to 4.
        patches: number of patches compared, drawn at random from the batch. Defaults to 256.
        latent: the distribution, one of `LATENT_KINDS`. Defaults to "normal", N(0, I).

    Raises:
        ValueError: when `kernel` or `latent` is unknown.
    """

    def __init__(self, kernel: str = "imq", patch_size: int = 4, patches: int = 256, latent: str = "normal") -> None:
        super().__init__()
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, got '{kernel}'.")
        if latent not in LATENT_KINDS:
            raise ValueError(f"latent must be one of {', '.join(LATENT_KINDS)}, got '{latent}'.")
        self.kernel = kernel
        self.latent = latent
        self.patch_size = patch_size
        self.patches = patches

    def _patches(self, latent: torch.Tensor) -> torch.Tensor:
        side = self.patch_size
        for axis in range(2, latent.dim()):
            latent = latent.unfold(axis, side, side)
        spatial_dims = latent.dim() // 2 - 1
        order = [0, *range(2, 2 + spatial_dims), 1, *range(2 + spatial_dims, latent.dim())]
        samples = latent.permute(order).flatten(1 + spatial_dims).flatten(0, spatial_dims)
        chosen = torch.randperm(samples.shape[0], device=samples.device)[: self.patches]
        return samples[chosen]

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Compute the squared discrepancy of `latent` from fresh draws.

        Args:
            latent: tensor of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]).

        Returns:
            a scalar.
        """
        if self.kernel == "published":
            return self._published(latent.flatten(1))
        samples = self._patches(latent)
        count = samples.shape[0]
        both = torch.cat((samples, draw_like(samples, self.latent)))
        square = both.square().sum(dim=1)
        distance = (square[:, None] + square[None] - 2 * both @ both.T).clamp(min=0)
        total = torch.zeros_like(distance)
        for scale in IMQ_SCALES:
            width = 2 * samples.shape[1] * scale
            total = total + width / (width + distance)
        total = total / len(IMQ_SCALES)
        within = (total[:count, :count].sum() + total[count:, count:].sum() - 2 * count) / (count * (count - 1))
        return within - 2 * total[:count, count:].mean()

    def _published(self, samples: torch.Tensor) -> torch.Tensor:
        count = samples.shape[0]
        both = torch.cat((samples, draw_like(samples, self.latent)))
        product = both @ both.T
        # The squares from the product itself: a sample is at distance zero from itself, without rounding.
        square = product.diagonal()
        distance = square[:, None] + square[None] - 2 * product
        total = torch.zeros_like(distance)
        for width in PUBLISHED_WIDTHS:
            total = total + width**2 / (width**2 + distance)
        return total[:count, :count].mean() + total[count:, count:].mean() - 2 * total[:count, count:].mean()
