"""Energy of the finest Haar bands inside the brain, where a hidden code would show."""

from __future__ import annotations

import torch

from scripts.losses.haar import finest_haar_bands

BANDS = ("LH", "HL", "HH")
"""Detail along the second spatial axis, along the first, along both."""


def band_sums(image: torch.Tensor, brain: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum the squares of the three finest bands over the 2 x 2 blocks that lie wholly in the brain.

    Args:
        image: slices of shape (S, N, H, W).
        brain: mask of shape (S, 1, H, W).

    Returns:
        sums (S, N, 3) in double precision, in the order of `BANDS`, and the number of blocks (S,).
    """
    whole = torch.nn.functional.avg_pool2d(brain.float(), 2)[:, 0] == 1
    squares = finest_haar_bands(image).double().square()
    return (squares * whole[:, None, None]).sum(dim=(3, 4)), whole.sum(dim=(1, 2))


def band_energy(image: torch.Tensor, brain: torch.Tensor) -> torch.Tensor:
    """Root mean square of the three finest bands over all slices.

    Args:
        image: slices of shape (S, N, H, W).
        brain: mask of shape (S, 1, H, W).

    Returns:
        tensor of shape (N, 3) in double precision, in the order of `BANDS`; NaN where no block lies in the brain.
    """
    sums, blocks = band_sums(image, brain)
    return (sums.sum(dim=0) / blocks.sum()).sqrt()


def band_energy_by_slice(image: torch.Tensor, brain: torch.Tensor) -> torch.Tensor:
    """Root mean square of the three finest bands of every slice.

    Args:
        image: slices of shape (S, N, H, W).
        brain: mask of shape (S, 1, H, W).

    Returns:
        tensor of shape (S, N, 3) in double precision, in the order of `BANDS`; NaN where no block lies in the brain.
    """
    sums, blocks = band_sums(image, brain)
    return (sums / blocks[:, None, None]).sqrt()


def energy_ratio(energy: torch.Tensor, of_sources: torch.Tensor) -> torch.Tensor:
    """How much more there is in an image than in the richer source, in the band where that is most.

    Args:
        energy: energies of M images, (S, M, 3).
        of_sources: those of the sources, (S, N, 3).

    Returns:
        tensor of shape (S, M); NaN where the sources have nothing in a band.
    """
    richest = of_sources.amax(dim=1, keepdim=True)
    return (energy / torch.where(richest > 0, richest, torch.nan)).amax(dim=2)
