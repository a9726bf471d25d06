"""Q_XY: how well edges are preserved (Xydeas and Petrović 2000)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from .grey_levels import grey_levels
from .variants import central, check_variant

SMALL = 1e-5
STRENGTH_SLOPE, STRENGTH_MIDDLE = 10.0, 0.5
ANGLE_SLOPE, ANGLE_MIDDLE = 20.0, 0.75


def xydeas_petrovic(fused: torch.Tensor, sources: torch.Tensor, variant: str = "full") -> torch.Tensor:
    """Edge preservation, weighted at each pixel by the strength of the sources' edges and averaged over pixels.

    Strength and angle of the Sobel gradient of each source are compared with the fused image's. Where all images are
    flat the score is its maximum, 0.98666: identical images reach no more. More than two sources are taken one after
    the other, as the two are, with the weights of all in the sum.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1], sides of at least 3 pixels.
        sources: their sources (batch_size, N, H, W) in [0, 1].
        variant: "full" for the whole image, or "centre" for the central 3 x 3 pixels, which are all that the script
            published with FusionINN looks at. Defaults to "full".

    Returns:
        tensor (batch_size,) in double precision.

    Raises:
        BadInputError: when the variant is unknown; see also `grey_levels`.
    """
    check_variant(variant)
    return torch.cat([_scores(torch.cat(some, dim=1), variant) for some in grey_levels(fused, sources, 3)])


def _scores(images: torch.Tensor, variant: str) -> torch.Tensor:
    across, down = _sobel(images, variant)
    strengths = (across.square() + down.square()).sqrt()
    angles = torch.atan(down / torch.where(across == 0, SMALL, across))
    fused, fused_angle = strengths[:, 0], angles[:, 0]
    weighted = weights = torch.zeros_like(fused)
    for strength, angle in zip(strengths[:, 1:].unbind(dim=1), angles[:, 1:].unbind(dim=1), strict=True):
        weakened = strength > fused
        strength = torch.where(strength == 0, SMALL, strength)
        kept = fused / strength
        fused = torch.where(fused == 0, SMALL, fused)
        kept = torch.where(weakened, kept, strength / fused)
        aligned = ((angle - fused_angle).abs() - math.pi / 2).abs() * (2 / math.pi)
        preserved = torch.sigmoid(STRENGTH_SLOPE * (kept - STRENGTH_MIDDLE)) * torch.sigmoid(
            ANGLE_SLOPE * (aligned - ANGLE_MIDDLE)
        )
        weighted = weighted + preserved * strength
        weights = weights + strength
    return (weighted / weights).flatten(1).mean(dim=1)


def _sobel(images: torch.Tensor, variant: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient along each row and down each column; outside the images there are zeros."""
    if variant == "centre":
        # there the filter is turned by half a turn
        images, sign = central(images, 2), -1.0
    else:
        images, sign = F.pad(images, (1, 1, 1, 1)), 1.0
    upright = images[..., :-2, :] + 2 * images[..., 1:-1, :] + images[..., 2:, :]
    level = images[..., :-2] + 2 * images[..., 1:-1] + images[..., 2:]
    across = upright[..., 2:] - upright[..., :-2]
    down = level[..., 2:, :] - level[..., :-2, :]
    return sign * across, sign * down
