"""How much of the enhancement of a post-contrast image an estimate of it shows."""

from __future__ import annotations

import torch


def enhancement(t1gd: torch.Tensor, t1: torch.Tensor, unenhanced: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Take off a post-contrast image what a linear function of the image without contrast agent explains.

    The function is fitted for each slice, since slices are normalised one by one.

    Args:
        t1gd: slices after the contrast agent, (S, 1, H, W).
        t1: the same before it.
        unenhanced: pixels to fit, such as the brain without the tumour, boolean (S, 1, H, W).

    Returns:
        the enhancement and what was taken off, each (S, 1, H, W), NaN in slices with fewer than two pixels to fit or
        with no contrast in them.
    """
    weight = unenhanced.to(t1gd)

    def mean(values: torch.Tensor) -> torch.Tensor:
        return (values * weight).sum((1, 2, 3), keepdim=True) / weight.sum((1, 2, 3), keepdim=True)

    before = t1 - mean(t1)
    slope = mean(before * (t1gd - mean(t1gd))) / mean(before.square())
    explained = mean(t1gd) + slope * before
    explained = torch.where(slope.isfinite(), explained, torch.nan)
    return t1gd - explained, explained


def share_kept(estimate: torch.Tensor, t1gd: torch.Tensor, explained: torch.Tensor, where: torch.Tensor) -> float:
    """Compare the mean enhancement of an estimate with that of its source.

    Args:
        estimate: decomposed slices, (S, 1, H, W).
        t1gd: their sources.
        explained: what `enhancement` took off the sources.
        where: the enhancing part, boolean (S, 1, H, W). Slices that could not be fitted are left out.

    Returns:
        the estimate's mean as a share of the source's: 1 where all is kept; NaN where no pixel is left.
    """
    found = where & explained.isfinite()
    return ((estimate - explained)[found].mean() / (t1gd - explained)[found].mean()).item()
