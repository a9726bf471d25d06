"""Compute the statistics of a case, slice by slice."""

from __future__ import annotations

import numpy as np
import torch

from scripts.inferers.slices_at_once import AUTO
from scripts.networks import FusionINN
from scripts.transforms.normalize import normalize_slices

from .chosen_slices import chosen_slices
from .flow_statistics import flow_statistics
from .fused_density import FusedDensity
from .picture_statistics import picture_statistics

PICTURE_STATISTICS = (
    *("rank_correlation", "edges", "overlap", "displacement"),
    *("depth_1", "depth_2", "rim_1", "rim_2", "texture_1", "texture_2", "skew_1", "skew_2"),
)
FLOW_STATISTICS = ("energy", "fused_energy", "latent_energy", "volume", "inconsistency_1", "inconsistency_2")


def case_statistics(
    network: FusionINN,
    image: torch.Tensor,
    axis: int,
    density: FusedDensity,
    count: int,
    slices_at_once: int | str = AUTO,
) -> tuple[list[int], dict[str, np.ndarray]]:
    """Compute the statistics of some slices of a case.

    Args:
        network: a two-dimensional `FusionINN` of two sources.
        image: sources [2, X, Y, Z] in any units; slices are normalised individually.
        axis: spatial axis along which the slices are taken.
        density: density of the fused image.
        count: largest number of slices.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".

    Returns:
        indices of the slices, empty if the image is black, and arrays (slices,) by name.
    """
    numbers, pages, brain = chosen_slices(image, axis, count)
    if not numbers:
        return [], {name: np.empty(0) for name in (*PICTURE_STATISTICS, *FLOW_STATISTICS)}
    normalised, _ = normalize_slices(pages.movedim(0, 3).float(), 2)
    pages = normalised.movedim(3, 0)
    return numbers, {
        **picture_statistics(pages, brain),
        **flow_statistics(network, pages, brain, density, slices_at_once),
    }
