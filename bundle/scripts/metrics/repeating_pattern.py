"""Amplitude of a pattern that repeats every two pixels, as a hidden code does and anatomy does not."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from scripts.losses.haar import WINDOW, window_means

GREY_LEVELS = 255


def repeating_pattern(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Compute the amplitude of a pattern with a period of two pixels, in windows of 16 x 16 pixels.

    It is the mean of each finest Haar band over the window, with its sign, in which anatomy and noise cancel; half the
    band, since a pattern of ± a in the pixels gives a band of 2 a.

    Args:
        images: slices of shape (S, N, H, W) in [0, 1]. What does not fill a window at the right or lower
            edge is left out.
        mask: the region, (S, 1, H, W).

    Returns:
        amplitude in grey levels of 8 bits, (S, N, 3, H / 16, W / 16), bands in the order of `haar_energy.BANDS`; NaN
        where a window does not lie in the region altogether.

    Raises:
        ValueError: when the slices are smaller than a window.
    """
    side = 2 * WINDOW
    if min(mask.shape[2:]) < side:
        raise ValueError(f"slices are {mask.shape[2]} x {mask.shape[3]}, expected {side} x {side} pixels or more.")
    inside = F.max_pool2d(1 - mask.to(images), side) == 0
    return torch.where(inside[:, :, None], window_means(images).abs() * (GREY_LEVELS / 2), torch.nan)


def windows_where_sources_differ(image: torch.Tensor, by: float = 0.35) -> torch.Tensor:
    """Find the windows of `repeating_pattern` where a code has most to carry.

    Args:
        image: two sources, (S, 2, H, W) in [0, 1].
        by: least difference, in shares of the range, of 2 x 2 blocks on average. Defaults to 0.35.

    Returns:
        (S, H / 16, W / 16), True where the sources differ by more.
    """
    blocks = F.avg_pool2d(image[:, :1] - image[:, 1:], 2).abs()
    return F.avg_pool2d(blocks, WINDOW)[:, 0] > by
