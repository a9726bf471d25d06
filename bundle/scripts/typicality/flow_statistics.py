"""Statistics of slices from the flow: their density and the error of their reconstruction."""

from __future__ import annotations

import math

import numpy as np
import torch

from scripts.inferers.slices_at_once import AUTO, batches
from scripts.inferers.slicewise import device_and_precision
from scripts.networks import FusionINN

from .fused_density import FusedDensity

SMALLEST_ERROR = 1e-8
"""Keeps the logarithm finite for a perfect estimate."""


@torch.no_grad()
def flow_statistics(
    network: FusionINN,
    image: torch.Tensor,
    brain: torch.Tensor,
    density: FusedDensity,
    slices_at_once: int | str = AUTO,
) -> dict[str, np.ndarray]:
    """Density and inconsistency of slices, per pixel of brain.

    With latent z ~ N(0, I) and the fused image y of density p(y), the density of the sources x is ``p(x) = p(y) p(z)
    |det d(y, z)/dx|``. A black margin of any size has no effect, because its share is subtracted.

    Args:
        network: a two-dimensional `FusionINN`.
        image: slices (B, N, H, W) in [0, 1].
        brain: bool (B, 1, H, W), not empty in any slice.
        density: density of the fused image.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".

    Returns:
        arrays (B,) by name: "energy", -log p(x) in nats; its parts "fused_energy", "latent_energy" (|z|²/2) and
        "volume", log |det|; "inconsistency_1", …: log10 of the mean squared difference between a source and its
        estimate from the fused image alone.
    """
    like = device_and_precision(network)
    black = network.log_det(torch.zeros_like(image[:1]).to(like))
    parts = []
    for batch in batches(network, like.device, len(image), slices_at_once):
        pages = image[batch].to(like).contiguous(memory_format=torch.channels_last)
        parts.append(_of_batch(network, pages, brain[batch].to(pages.device), density, black))
    return {name: torch.cat([part[name] for part in parts]).double().cpu().numpy() for name in parts[0]}


def _of_batch(
    network: FusionINN, image: torch.Tensor, brain: torch.Tensor, density: FusedDensity, black: torch.Tensor
) -> dict[str, torch.Tensor]:
    fused, latent = network(image)
    volume = (network.log_det(image) - black) / brain.sum(dim=(1, 2, 3))
    latent_energy = _mean_inside(latent.square().sum(dim=1, keepdim=True) / 2, brain)
    fused_energy = _mean_inside(density.energy(fused), brain)
    constant = latent.shape[1] * math.log(2 * math.pi) / 2
    error = (image - network.decompose(fused.clamp(0.0, 1.0), "zeros")).square()
    return {
        "energy": fused_energy + latent_energy + constant - volume,
        "fused_energy": fused_energy,
        "latent_energy": latent_energy,
        "volume": volume,
        **{
            f"inconsistency_{i}": torch.log10(_mean_inside(part[:, None], brain) + SMALLEST_ERROR)
            for i, part in enumerate(error.unbind(dim=1), 1)
        },
    }


def _mean_inside(values: torch.Tensor, brain: torch.Tensor) -> torch.Tensor:
    return (values * brain).sum(dim=(1, 2, 3)) / brain.sum(dim=(1, 2, 3))
