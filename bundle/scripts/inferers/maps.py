"""Maps of whole volumes: contribution of each source, expected error, and spread over drawn latents."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from scripts.flow.latent import draw_latent
from scripts.networks import FusionINN
from scripts.networks.contribution import source_contribution
from scripts.networks.uncertainty import UncertaintyHead
from scripts.runtimes import with_derivatives

from .slices_at_once import AUTO
from .slicewise import by_slices


@torch.no_grad()
def contribution_volume(
    network: nn.Module, image: torch.Tensor, axis: int, batch_size: int | str = AUTO
) -> torch.Tensor:
    """Compute how much of each fused voxel comes from each source, see `source_contribution`.

    Args:
        network: a method, of slices or of volumes.
        image: normalised sources of shape (N, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time, or "auto", see `batches`. Defaults to "auto".

    Returns:
        contributions (N, X, Y, Z), in units of the fused image, on the CPU.
    """
    network = with_derivatives(network)
    return by_slices(network, image, axis, batch_size, lambda batch, _: source_contribution(network, batch))


@torch.no_grad()
def uncertainty_volume(
    head: UncertaintyHead, fused: torch.Tensor, decomposed: torch.Tensor, axis: int, batch_size: int | str = AUTO
) -> torch.Tensor:
    """Estimate the error of decomposed volumes, see `UncertaintyHead`.

    Args:
        head: the head that belongs to the network that decomposed.
        fused: fused volume of shape (1, X, Y, Z) in [0, 1], as stored.
        decomposed: normalised estimates (N, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time, or "auto", see `batches`. Defaults to "auto".

    Returns:
        σ (N, X, Y, Z) in shares of the normalised range, on the CPU.
    """

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        return head(batch[:, :1], batch[:, 1:])

    return by_slices(head, torch.cat((fused, decomposed)), axis, batch_size, apply)


@torch.no_grad()
def spread_volumes(
    network: FusionINN,
    fused: torch.Tensor,
    axis: int,
    draws: Sequence[int] = (8,),
    seed: int = 0,
    batch_size: int | str = AUTO,
) -> list[torch.Tensor]:
    """Compute the standard deviation of the estimates over latents drawn from N(0, I).

    Args:
        network: the network that fused.
        fused: fused volume of shape (1, X, Y, Z) in [0, 1], as stored.
        axis: spatial axis that the slices are taken along.
        draws: numbers of draws, ascending, at least 2; the first draws are the same for all. Defaults to (8,).
        seed: seed of the draws. Defaults to 0.
        batch_size: slices at a time, or "auto", see `batches`. Defaults to "auto".

    Returns:
        for each number of draws, the deviation (N, X, Y, Z) in shares of the normalised range, on the CPU.
    """
    channels = network.in_channels

    def apply(batch: torch.Tensor, start: int) -> torch.Tensor:
        mean, squares, found = 0.0, 0.0, []
        for k in range(draws[-1]):
            drawn = network.inverse(
                batch, draw_latent(batch, channels - 1, "normal", seed + start + 1_000_003 * k)
            ).clamp_(min=0)
            # Welford's update: sums of squares would cancel
            step = drawn - mean
            mean = mean + step / (k + 1)
            squares = squares + step * (drawn - mean)
            if k + 1 in draws:
                found.append((squares / k).sqrt())
        return torch.cat(found, dim=1)

    return list(by_slices(network, fused, axis, batch_size, apply).split(channels))
