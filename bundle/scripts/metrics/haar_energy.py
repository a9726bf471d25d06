"""Energy of the finest Haar bands, where a hidden code would show as a lattice or as lines."""

from __future__ import annotations

import torch

from scripts.losses.haar import finest_haar_bands

BANDS = ("HL", "LH", "HH")
"""High along the second axis of a slice, along the first, along both."""


def haar_energy(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Compute the root mean square of each finest Haar band over the blocks of 2 x 2 pixels in a region.

    Args:
        images: slices of shape (S, N, H, W).
        mask: the region, (S, 1, H, W).

    Returns:
        tensor of shape (S, N, 3), bands in the order of `BANDS`; NaN where no block lies in the region.
    """
    height, width = (size // 2 * 2 for size in mask.shape[2:])
    blocks = mask[..., :height, :width].bool().unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).all(dim=5).all(dim=3)
    weight = blocks[:, :, None].to(images)
    energy = (finest_haar_bands(images).square() * weight).sum(dim=(3, 4)) / weight.sum(dim=(3, 4))
    return energy.sqrt()


def haar_ratio(energy: torch.Tensor, of_sources: torch.Tensor) -> torch.Tensor:
    """Compare an image with the richer source, in the band where their ratio is largest.

    Args:
        energy: `haar_energy` of images, (S, M, 3).
        of_sources: that of the sources, (S, N, 3).

    Returns:
        tensor of shape (S, M); NaN where the sources have nothing in a band.
    """
    richest = of_sources.amax(dim=1, keepdim=True)
    return (energy / torch.where(richest > 0, richest, torch.nan)).amax(dim=2)
