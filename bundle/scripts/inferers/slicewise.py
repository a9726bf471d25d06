"""Fuse and decompose whole volumes, a batch of slices at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch

from scripts.networks import FusionINN, draw_latent
from scripts.transforms.slicing import from_slices, to_slices


def _by_slices(
    network: FusionINN,
    volume: torch.Tensor,
    channels: int,
    axis: int,
    batch_size: int,
    apply: Callable[[torch.Tensor, int], torch.Tensor],
) -> torch.Tensor:
    """Apply to a batch of slices at a time, on the network's device and in its precision."""
    like = next(network.parameters())
    slices = to_slices(volume, axis)
    results = torch.empty(len(slices), channels, *slices.shape[2:], dtype=volume.dtype)
    for start in range(0, len(slices), batch_size):
        batch = slices[start : start + batch_size].to(like).contiguous(memory_format=torch.channels_last)
        results[start : start + batch_size] = apply(batch, start)
    return from_slices(results, axis)


@torch.no_grad()
def fuse_volume(
    network: FusionINN, image: torch.Tensor, axis: int, batch_size: int = 8, keep_latent: bool = True
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Fuse a volume slice by slice.

    Args:
        network: a two-dimensional `FusionINN`.
        image: normalised sources of shape (N, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time. Defaults to 8.
        keep_latent: return the latent, which takes as much memory as N - 1 volumes. Defaults to True.

    Returns:
        fused (1, X, Y, Z) and latent (N - 1, X, Y, Z) or None, on the CPU.
    """

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        fused, latent = network(batch)
        return torch.cat((fused, latent), dim=1) if keep_latent else fused

    both = _by_slices(network, image, len(image) if keep_latent else 1, axis, batch_size, apply)
    return both[:1], both[1:] if keep_latent else None


@torch.no_grad()
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

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        return network.inverse(batch[:, :1], batch[:, 1:])

    both = torch.cat((fused, latent))
    return _by_slices(network, both, len(both), axis, batch_size, apply)


@torch.no_grad()
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

    def apply(batch: torch.Tensor, start: int) -> torch.Tensor:
        fresh = draw_latent(batch, network.in_channels - 1, latent, seed + start)
        return network.inverse(batch, fresh).clamp_(min=0.0)

    return _by_slices(network, fused, network.in_channels, axis, batch_size, apply)
