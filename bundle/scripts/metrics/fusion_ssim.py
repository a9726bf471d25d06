"""Q_SSIM: mean structural similarity of the fused image to its sources (Wang et al. 2004)."""

from __future__ import annotations

import torch

from .grey_levels import grey_levels
from .local_similarity import WINDOW, local_similarity


def fusion_ssim(fused: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Structural similarity in a Gaussian window, mean over the windows inside the image and over the sources.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1], sides of at least 11 pixels.
        sources: their sources (batch_size, N, H, W) in [0, 1].

    Returns:
        tensor (batch_size,) in double precision, from -1 to 1.

    Raises:
        BadInputError: see `grey_levels`.
    """
    groups = grey_levels(fused, sources, WINDOW)
    return torch.cat([local_similarity(*some)[0].flatten(1).mean(dim=1) for some in groups])
