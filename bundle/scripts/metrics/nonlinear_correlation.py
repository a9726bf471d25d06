"""Q_NCIE: nonlinear correlation information entropy (Wang, Shen and Jin 2008)."""

from __future__ import annotations

import math
from itertools import combinations

import torch

from .grey_levels import grey_levels

LEVELS = 256


def nonlinear_correlation(fused: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Nonlinear correlation information entropy of all images of a set.

    Each image is stretched to its own range and rounded to 256 levels. The mutual information of every two of them, in
    base 256, makes a symmetric matrix R with ones on the diagonal; with its K eigenvalues l the score is
    1 + Σ l/K log256(l/K), with K = N + 1 images. Limit values: a constant image shares nothing with any other (as an
    all-black one does), and an eigenvalue 0 adds 0.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1].
        sources: their sources (batch_size, N, H, W) in [0, 1].

    Returns:
        tensor (batch_size,) in double precision, from 1 - log256(K) (independent images; 0.80188 for two sources) to 1.

    Raises:
        BadInputError: see `grey_levels`.
    """
    return torch.cat([_scores(torch.cat(some, dim=1)) for some in grey_levels(fused, sources)])


def _scores(images: torch.Tensor) -> torch.Tensor:
    levels = _stretched(images)
    count = levels.shape[1]
    alone = [_entropy(levels[:, i], LEVELS) for i in range(count)]
    matrix = torch.eye(count, dtype=torch.float64, device=images.device).repeat(len(images), 1, 1)
    for i, j in combinations(range(count), 2):
        together = _entropy(levels[:, i] * LEVELS + levels[:, j], LEVELS**2)
        matrix[:, i, j] = matrix[:, j, i] = alone[i] + alone[j] - together
    # Rounding leaves an eigenvalue that is zero on either side of it.
    share = torch.linalg.eigvalsh(matrix).clamp_min(0.0) / count
    return 1 + torch.xlogy(share, share).sum(dim=1) / math.log(LEVELS)


def _stretched(images: torch.Tensor) -> torch.Tensor:
    """Levels 0 to 255 (batch_size, K, pixels) of each image's own range, halves rounded up."""
    pixels = images.flatten(2)
    low, high = pixels.amin(dim=2, keepdim=True), pixels.amax(dim=2, keepdim=True)
    # The division comes first: ties depend on it.
    stretched = (pixels - low) / torch.where(high > low, high - low, 1.0) * (LEVELS - 1)
    whole = stretched.floor()
    return (whole + (stretched - whole >= 0.5)).long()


def _entropy(symbols: torch.Tensor, alphabet: int) -> torch.Tensor:
    """Entropy in base 256 of the symbols of each image, (batch_size, pixels) -> (batch_size,)."""
    pixels = symbols.shape[1]
    counts = torch.stack([torch.bincount(row, minlength=alphabet) for row in symbols]).to(torch.float64)
    return (math.log(pixels) - torch.xlogy(counts, counts).sum(dim=1) / pixels) / math.log(LEVELS)
