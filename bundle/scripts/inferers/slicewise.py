"""Fuse and decompose whole volumes: a batch of slices at a time, or at once by a three-dimensional network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import torch
from torch import nn

from scripts.flow.latent import draw_latent
from scripts.networks import FusionINN
from scripts.transforms.slicing import from_slices, to_slices

from .slabs import in_slabs
from .slices_at_once import AUTO, batches


def device_and_precision(network: nn.Module) -> torch.Tensor:
    """Return a tensor on the network's device and of its precision; on the CPU for a method without parameters."""
    floating = (tensor for tensor in chain(network.parameters(), network.buffers()) if tensor.is_floating_point())
    return next(floating, torch.empty(0))


def sees_neighbours(network: nn.Module) -> bool:
    """Whether a network is three-dimensional: its result for a slice depends on the neighbouring slices."""
    return getattr(network, "spatial_dims", 2) == 3


def by_slices(
    network: nn.Module,
    volume: torch.Tensor,
    axis: int,
    batch_size: int | str,
    apply: Callable[[torch.Tensor, int], torch.Tensor],
) -> torch.Tensor:
    """Apply a function to batches of slices, on the network's device and in its precision.

    A three-dimensional network gets the volume as a batch of one instead, (1, N, H, W, S) with the slices along the
    last axis, whichever axis they lie along in the file, as in training.
    """
    like = device_and_precision(network)
    slices = to_slices(volume, axis)
    if sees_neighbours(network):
        whole = slices.movedim(0, -1)[None].to(like)
        with in_slabs(network):
            (done,) = apply(whole, 0)
        return from_slices(done.to("cpu", volume.dtype).movedim(-1, 0), axis)
    results: torch.Tensor | None = None
    for part in batches(network, like.device, len(slices), batch_size):
        done = apply(slices[part].to(like).contiguous(memory_format=torch.channels_last), part.start)
        if results is None:
            results = torch.empty(len(slices), done.shape[1], *slices.shape[2:], dtype=volume.dtype)
        results[part] = done
    return from_slices(results, axis)


@torch.no_grad()
def fuse_volume(
    network: nn.Module, image: torch.Tensor, axis: int, batch_size: int | str = AUTO, keep_latent: bool = True
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Fuse a volume.

    Args:
        network: a `FusionINN`, which goes slice by slice or sees the whole volume by its `spatial_dims`, or another
            method for slices that gives (fused, latent) or the fused image alone.
        image: normalised sources of shape (N, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time, or "auto", see `batches`. Defaults to "auto".
        keep_latent: return the latent, which takes as much memory as N - 1 volumes. Defaults to True.

    Returns:
        fused (1, X, Y, Z) and latent (N - 1, X, Y, Z), or None without a latent or where it is not kept, on the CPU.
    """

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        result = network(batch)
        if isinstance(result, torch.Tensor):
            return result
        return torch.cat(result, dim=1) if keep_latent else result[0]

    both = by_slices(network, image, axis, batch_size, apply)
    return both[:1], both[1:] if len(both) > 1 else None


@torch.no_grad()
def restore_volume(
    network: FusionINN, fused: torch.Tensor, latent: torch.Tensor, axis: int, batch_size: int | str = AUTO
) -> torch.Tensor:
    """Restore the sources from the fused volume and its own latent.

    Args:
        network: the network that fused.
        fused: fused volume of shape (1, X, Y, Z).
        latent: its latent of shape (N - 1, X, Y, Z).
        axis: spatial axis that the slices are taken along.
        batch_size: slices at a time, or "auto", see `batches`. Defaults to "auto".

    Returns:
        normalised sources (N, X, Y, Z), on the CPU.
    """

    def apply(batch: torch.Tensor, _: int) -> torch.Tensor:
        return network.inverse(batch[:, :1], batch[:, 1:])

    both = torch.cat((fused, latent))
    return by_slices(network, both, axis, batch_size, apply)


@torch.no_grad()
def decompose_volume(
    network: FusionINN,
    fused: torch.Tensor,
    axis: int,
    latent: str = "zeros",
    seed: int = 0,
    batch_size: int | str = AUTO,
    numbers: Sequence[int] | None = None,
) -> torch.Tensor:
    """Estimate the sources from the fused volume alone.

    Args:
        network: the network that fused.
        fused: fused volume of shape (1, X, Y, Z) in [0, 1].
        axis: spatial axis that the slices are taken along.
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the first slice's latent; slice i has ``seed + i``, whatever the batch size. The latent of a
            volume that is seen as a whole is drawn at once, by the seed of its first slice. Defaults to 0.
        batch_size: slices at a time, or "auto", see `batches`. Defaults to "auto".
        numbers: numbers i of the slices where `fused` holds only some of them, which is not for three-dimensional
            networks. Defaults to None (0, 1, 2, …).

    Returns:
        normalised estimates (N, X, Y, Z), not below 0, on the CPU.
    """
    numbers = range(fused.shape[axis + 1]) if numbers is None else numbers

    def apply(batch: torch.Tensor, start: int) -> torch.Tensor:
        fresh = [
            draw_latent(one, network.in_channels - 1, latent, seed + number)
            for one, number in zip(batch.split(1), numbers[start : start + len(batch)], strict=True)
        ]
        return network.inverse(batch, torch.cat(fresh)).clamp_(min=0.0)

    return by_slices(network, fused, axis, batch_size, apply)
