"""Similarity and variance in every Gaussian window, the parts of Q_SSIM and Q_P."""

from __future__ import annotations

import torch

from scripts.losses.ssim import SSIM

from .grey_levels import WHITE

WINDOW = SSIM().taps.numel()


def local_similarity(fused: torch.Tensor, sources: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compare the fused image with each source in every 11 x 11 window that lies inside.

    Args:
        fused: grey levels (batch_size, 1, H, W) from 0 to 255.
        sources: grey levels (batch_size, N, H, W).

    Returns:
        similarity to each source and variance of each source, both (batch_size, N, H - 10, W - 10).
    """
    ssim = SSIM(data_range=WHITE)
    count = sources.shape[1]
    means = ssim.window_mean(torch.cat((fused, sources, fused * fused, sources * sources, fused * sources), dim=1))
    mean_fused, mean, power_fused, power, product = means.split((1, count, 1, count, count), dim=1)
    similarity = ssim.compare(mean_fused, mean, power_fused + power, product)
    return similarity, power - mean * mean
