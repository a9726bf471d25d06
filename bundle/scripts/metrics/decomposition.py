"""Metrics of decomposed images: SSIM, PSNR, NMSE and correlation with the sources."""

from __future__ import annotations

import torch

from scripts.data.errors import BadInputError
from scripts.losses.squared_l2 import squared_l2
from scripts.losses.ssim import SSIM

from .grey_levels import check_images

LEAST_ERROR = 1e-12
LEAST_POWER = (1 / 255) ** 2


def check_decomposed(decomposed: torch.Tensor, sources: torch.Tensor, window: int = 1) -> None:
    """Check that images can be compared.

    Raises:
        BadInputError: when shapes differ, sides are shorter than the window, or see `check_images`.
    """
    check_images("decomposed", decomposed)
    check_images("sources", sources)
    if decomposed.shape != sources.shape:
        raise BadInputError(
            f"decomposed and sources must have one shape, got {tuple(decomposed.shape)} and {tuple(sources.shape)}."
        )
    if min(sources.shape[2:]) < window:
        raise BadInputError(
            f"images of {tuple(sources.shape[2:])} pixels are smaller than the {window} x {window} window."
        )


def ssim(decomposed: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Mean structural similarity of each source, (batch_size, N)."""
    compare = SSIM()
    check_decomposed(decomposed, sources, compare.taps.numel())
    return compare(decomposed.double(), sources.double())


def psnr(decomposed: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio in dB, 10 log10(1 / mean squared error), (batch_size, N).

    The error counts as 1e-12 at least, so that identical images have 120 dB.
    """
    check_decomposed(decomposed, sources)
    return -10 * squared_l2(decomposed.double(), sources.double()).clamp_min(LEAST_ERROR).log10()


def nmse(decomposed: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Normalised mean squared error, Σ (x̂ - x)² / Σ x² over the pixels of each source, (batch_size, N).

    The mean of x² counts as (1/255)² at least, one grey level, so that an all-black source also has a value.
    """
    check_decomposed(decomposed, sources)
    sources = sources.double()
    power = squared_l2(sources, torch.zeros_like(sources)).clamp_min(LEAST_POWER)
    return squared_l2(decomposed.double(), sources) / power


def correlation(decomposed: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Correlation coefficient of Pearson over the pixels of each source, (batch_size, N).

    Where one of the two is constant it is 0, where both are it is 1.
    """
    check_decomposed(decomposed, sources)
    x, y = decomposed.double().flatten(2), sources.double().flatten(2)
    flat_x, flat_y = (image.amin(dim=2) == image.amax(dim=2) for image in (x, y))
    x, y = x - x.mean(dim=2, keepdim=True), y - y.mean(dim=2, keepdim=True)
    found = torch.cosine_similarity(x, y, dim=2, eps=1e-30)
    return torch.where(flat_x | flat_y, (flat_x & flat_y).double(), found)
