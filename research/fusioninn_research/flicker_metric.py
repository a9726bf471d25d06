"""Flicker: changes between slices of a fused volume that its sources do not have."""

from __future__ import annotations

import torch

from scripts.transforms.slicing import to_slices

FLICKER, JITTER = "flicker", "jitter"


def flicker(volume: torch.Tensor, reference: torch.Tensor, brain: torch.Tensor, axis: int) -> dict[str, torch.Tensor]:
    """Changes between neighbouring slices beyond those of a reference.

    With v the volume, r the reference, z a slice, p a place in it, and B_z the places that lie in the brain in both
    slice z and slice z + 1::

        e_z(p)  = (v_{z+1}(p) - v_z(p)) - (r_{z+1}(p) - r_z(p))
        flicker = sqrt( Σ_z Σ_{p in B_z} e_z(p)² / Σ_z |B_z| )
        jitter  = sqrt( mean over z with B_z not empty of ( mean_{p in B_z} e_z(p) )² )

    Flicker is seen in a view across the slices as noise or stripes; jitter is the part of it that whole slices share:
    they are brighter or darker than their neighbours, which is seen when slices are leafed through. Both are 0 of the
    reference itself and of what differs from it by the same amount everywhere. An offset of c_z in slice z gives a
    flicker of the root mean square of c_{z+1} - c_z over all places, and a jitter of that over all pairs of slices.
    Another scale than that of the reference counts: v = g r has a flicker of |g - 1| times the changes of r.

    Args:
        volume: images of shape (N, X, Y, Z).
        reference: what they are to change like, of the same shape or (1, X, Y, Z), in the same units.
        brain: mask of shape (1, X, Y, Z).
        axis: spatial axis that the slices lie along.

    Returns:
        "flicker" and "jitter", tensors (N,) in double precision, in units of the images; NaN where no place lies in the
        brain in two neighbouring slices.
    """
    difference = to_slices(volume - reference, axis).double()
    mask = to_slices(brain, axis) > 0
    both = (mask[1:] & mask[:-1]).double()
    excess = (difference[1:] - difference[:-1]) * both
    places = both.sum(dim=(1, 2, 3))
    there = places > 0
    means = excess.sum(dim=(2, 3))[there] / places[there, None]
    return {
        FLICKER: (excess.square().sum(dim=(0, 2, 3)) / places.sum()).sqrt(),
        JITTER: means.square().mean(dim=0).sqrt(),
    }


def matched(volume: torch.Tensor, reference: torch.Tensor, brain: torch.Tensor) -> torch.Tensor:
    """Bring a volume to the scale of a reference by one gain and one offset, those of least squares in the brain.

    A viewer's window does the same: it sets both for the volume, and not for each slice.

    Args:
        volume: images of shape (N, X, Y, Z).
        reference: of the same shape or (1, X, Y, Z).
        brain: mask of shape (1, X, Y, Z), not empty.

    Returns:
        tensor like `volume`; an image that is constant in the brain becomes the mean of the reference.
    """
    inside = brain[0] > 0
    result = torch.empty_like(volume)
    for image, target, out in zip(volume, reference.expand_as(volume), result, strict=True):
        x, y = image[inside].double(), target[inside].double()
        spread = x - x.mean()
        power = spread.square().sum()
        gain = (spread * (y - y.mean())).sum() / power if power > 0 else torch.zeros_like(power)
        out.copy_(gain * (image - x.mean()) + y.mean())
    return result
