"""How far one standard deviation of the latent reaches into the flow."""

from __future__ import annotations

import math

import torch

from .step import FlowStep


class LatentScale(FlowStep):
    """Divide the latent channels, all but the first, by a constant.

    The last step of a flow. A fresh latent of N(0, I) then moves the couplings by `scale` only, and the latent of an
    image has the spread of N(0, I) when the flow brings what the fused image does not keep down to `scale`. Towards
    zero, decomposition is trained as if the latent were constant, while the distribution that it is drawn from stays
    N(0, I).

    Args:
        scale: what one standard deviation of the latent is for the couplings, positive and finite.

    Raises:
        ValueError: when `scale` is not positive and finite.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        if not 0 < scale < math.inf:
            raise ValueError(f"latent scale must be positive and finite, got {scale}.")
        # Weights are of no use with another scale, so they carry it.
        self.register_buffer("scale", torch.tensor(float(scale)))

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Couplings to latent."""
        return torch.cat((x[:, :1], x[:, 1:] / self.scale), dim=1)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Latent to couplings."""
        return torch.cat((y[:, :1], y[:, 1:] * self.scale), dim=1)

    @torch.jit.export
    def log_det(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Minus the logarithm of the scale for every latent element inside the image."""
        of_image = torch.ones_like(x[:, 1:])
        if inside is not None:
            of_image = of_image * inside[:, 1:]
        return -self.scale.log() * of_image.flatten(1).sum(dim=1)
