"""Similarity in regions: the whole slice, the brain and the lesion."""

from __future__ import annotations

import torch

from scripts.losses.ssim import SSIM

REGIONS = ("slice", "brain", "lesion")


def ssim_by_region(
    image: torch.Tensor, other: torch.Tensor, regions: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Compute the mean SSIM over the windows whose centre is in a region.

    Args:
        image: slices of shape (S, N, H, W) in [0, 1].
        other: slices of the same shape.
        regions: masks (S, 1, H, W) by name.

    Returns:
        tensors of shape (S, N) by name; NaN if a slice has no pixel in the region.
    """
    ssim = SSIM()
    margin = ssim.taps.numel() // 2
    similarity = ssim.similarity_map(image, other)
    values = {}
    for name, mask in regions.items():
        weight = mask[:, :, margin:-margin, margin:-margin].to(similarity)
        values[name] = (similarity * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
    return values
