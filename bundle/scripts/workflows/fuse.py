"""Fuse a patient and check at once how well the sources come back from what is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.losses.ssim import SSIM
from scripts.transforms.slicing import to_slices

LEVELS = {"uint8": 255, "uint16": 65535}


def as_stored(fused: torch.Tensor, dtype: str) -> torch.Tensor:
    """What a reader gets back from a fused image stored in a type.

    Args:
        fused: fused image of any shape.
        dtype: "uint8" or "uint16", which cut off at 0 and 1 and round, or "float32", which keeps every value.

    Returns:
        tensor like `fused`.
    """
    if dtype == "float32":
        return fused
    return (fused.clamp(0.0, 1.0) * LEVELS[dtype]).round() / LEVELS[dtype]


class FuseVolume:
    """Fuse a normalised volume, store it, decompose what was stored, and compare with the sources.

    Args:
        dtype: how the fused image will be stored: "uint16", "uint8" or "float32". Defaults to "uint16".
        latent: distribution of the fresh latent. Defaults to "normal".
        seed: seed of the latent. Defaults to 0.
        slices_at_once: slices in a batch. Defaults to 8.
    """

    def __init__(
        self, dtype: str = "uint16", latent: str = "normal", seed: int = 0, slices_at_once: int = 8
    ) -> None:
        if dtype not in (*LEVELS, "float32"):
            raise ValueError(f"fused_dtype must be one of {', '.join((*LEVELS, 'float32'))}, got '{dtype}'.")
        self.dtype = dtype
        self.latent = latent
        self.seed = seed
        self.slices_at_once = slices_at_once

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Apply the network.

        Args:
            network: a two-dimensional `FusionINN`.
            data: "image" (N, X, Y, Z) normalised, and its "intensity_scale".

        Returns:
            "fused" (1, X, Y, Z) as computed, "latent" (N - 1, X, Y, Z), "decomposed" (N, X, Y, Z) from the fused image
            as stored, and "ssim": for every slice (rows) and source (columns), of the fused and the decomposed image.
        """
        axis = data["intensity_scale"]["slice_axis"]
        image = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        fused, latent = fuse_volume(network, image, axis, self.slices_at_once)
        stored = as_stored(fused, self.dtype)
        decomposed = decompose_volume(network, stored, axis, self.latent, self.seed, self.slices_at_once)
        ssim = {
            "fused": slice_ssim(image, stored.expand_as(image), axis),
            "decomposed": slice_ssim(image, decomposed, axis),
        }
        return {"fused": fused, "latent": latent, "decomposed": decomposed, "ssim": ssim}


def slice_ssim(image: torch.Tensor, other: torch.Tensor, axis: int, slices_at_once: int = 16) -> np.ndarray:
    """SSIM of two volumes, slice by slice.

    Args:
        image: volume of shape (N, X, Y, Z) in [0, 1].
        other: volume of the same shape.
        axis: spatial axis that the slices are taken along.
        slices_at_once: slices in a batch. Defaults to 16.

    Returns:
        array of shape (slices, N); NaN in slices that are black in the source or smaller than the window.
    """
    ssim = SSIM()
    first, second = to_slices(image, axis), to_slices(other, axis)
    values = np.full(first.shape[:2], np.nan)
    if min(first.shape[2:]) < ssim.taps.numel():
        return values
    for start in range(0, len(first), slices_at_once):
        batch = slice(start, start + slices_at_once)
        values[batch] = ssim(first[batch], second[batch]).numpy()
    values[~(first.amax(dim=(2, 3)) > 0).numpy()] = np.nan
    return values
