"""Fuse and decompose whole volumes, a batch of slices at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch

from scripts.networks import FusionINN, draw_latent
from scripts.transforms.slicing import from_slices, to_slices


def _by_slices(
    volume: torch.Tensor,
    axis: int,
    batch_size: int,
    apply: Callable[[torch.Tensor, int], torch.Tensor],
) -> torch.Tensor:
    slices = to_slices(volume, axis)
    results = []
    for start in range(0, slices.shape[0], batch_size):
        batch = slices[start : start + batch_size].contiguous(memory_format=torch.channels_last)
        results.append(apply(batch, start).cpu())
    return from_slices(torch.cat(results), axis)


@torch.inference_mode()
def fuse_volume(
    network: FusionINN, image: torch.Tensor, axis: int, batch_size: int = 8
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fuse a volume slice by slice.

    Args:
        network: a two-dimensional `FusionINN`.
        image: normalised sources of shape (N, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time. Defaults to 8.

    Returns:
        fused (1, X, Y, Z) and latent (N - 1, X, Y, Z), on the CPU.
    """
    device = next(network.parameters()).device

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        return torch.cat(network(batch.to(device)), dim=1)

    both = _by_slices(image, axis, batch_size, apply)
    return both[:1], both[1:]


@torch.inference_mode()
def restore_volume(
    network: FusionINN, fused: torch.Tensor, latent: torch.Tensor, axis: int, batch_size: int = 8
) -> torch.Tensor:
    """The sources themselves, from the fused volume and its own latent.

    Args:
        network: the network that fused.
        fused: fused volume of shape (1, X, Y, Z).
        latent: its latent of shape (N - 1, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time. Defaults to 8.

    Returns:
        normalised sources (N, X, Y, Z), on the CPU.
    """
    device = next(network.parameters()).device

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        batch = batch.to(device)
        return network.inverse(batch[:, :1], batch[:, 1:])

    return _by_slices(torch.cat((fused, latent)), axis, batch_size, apply)


@torch.inference_mode()
def decompose_volume(
    network: FusionINN,
    fused: torch.Tensor,
    axis: int,
    latent: str = "normal",
    seed: int = 0,
    batch_size: int = 8,
) -> torch.Tensor:
    """Estimates of the sources, from the fused volume alone.

    Args:
        network: the network that fused.
        fused: fused volume of shape (1, X, Y, Z) in [0, 1].
        axis: spatial axis that the slices are taken along.
        latent: distribution of the fresh latent. Defaults to "normal".
        seed: seed of the first slice's latent; slice i has ``seed + i``, whatever the batch size. Defaults to 0.
        batch_size: slices at a time. Defaults to 8.

    Returns:
        normalised estimates (N, X, Y, Z), not below 0, on the CPU.
    """
    device = next(network.parameters()).device

    def apply(batch: torch.Tensor, start: int) -> torch.Tensor:
        batch = batch.to(device)
        fresh = draw_latent(batch, network.in_channels - 1, latent, seed + start)
        return network.inverse(batch, fresh).clamp_(min=0.0)

    return _by_slices(fused, axis, batch_size, apply)
