"""Q_P: fusion quality index (Piella and Heijmans 2003), the unweighted one."""

from __future__ import annotations

import torch

from .grey_levels import grey_levels
from .local_similarity import WINDOW, local_similarity
from .variants import central, check_variant

# Rounding leaves 1e-10 at most where a window is constant; the least variance of 8-bit images is 1e-6.
FLAT = 1e-9


def piella_heijmans(fused: torch.Tensor, sources: torch.Tensor, variant: str = "full") -> torch.Tensor:
    """Local similarity to the sources, weighted by their local variances, averaged over windows.

    A variance below 1e-9 (of grey levels 0 to 255) counts as 0; where all sources are flat they have equal weights.
    More than two sources share the weight alike: λ_i = v_i / Σ v.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1], sides of at least 11 pixels.
        sources: their sources (batch_size, N, H, W) in [0, 1].
        variant: "full" for all windows inside the image, or "centre" for those of the central 11 x 11 pixels, which are
            all that the script published with FusionINN looks at. Defaults to "full".

    Returns:
        tensor (batch_size,) in double precision, from -1 to 1.

    Raises:
        BadInputError: when the variant is unknown; see also `grey_levels`.
    """
    check_variant(variant)
    groups = grey_levels(fused, sources, WINDOW)
    if variant == "centre":
        groups = ([central(images, WINDOW - 1) for images in some] for some in groups)
    return torch.cat([weighted_similarity(*local_similarity(*some)) for some in groups])


def ssim_and_piella_heijmans(fused: torch.Tensor, sources: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute Q_SSIM and the full Q_P from one comparison of the images."""
    both = []
    for some in grey_levels(fused, sources, WINDOW):
        similarity, variance = local_similarity(*some)
        both.append(torch.stack((similarity.flatten(1).mean(dim=1), weighted_similarity(similarity, variance))))
    return tuple(torch.cat(both, dim=1))


def weighted_similarity(similarity: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Mean over windows of the similarities, each source weighted by its variance there."""
    variance = torch.where(variance.abs() < FLAT, 0.0, variance)
    total = variance.sum(dim=1, keepdim=True)
    weight = torch.where(total > 0, variance / total, 1 / variance.shape[1])
    return (weight * similarity).sum(dim=1).flatten(1).mean(dim=1)
