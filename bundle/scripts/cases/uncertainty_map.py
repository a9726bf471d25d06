"""The map of doubt that comes with decomposed images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.inferers.maps import uncertainty_volume
from scripts.networks.uncertainty import UncertaintyHead
from scripts.networks.weights import fingerprint, load_weights
from scripts.transforms.normalize import IntensityScale, restore_intensity

REMEDY = (
    "Train it for these weights with configs/train.json, configs/crops.json and configs/uncertainty.json, and give it "
    "by --uncertainty_path; or leave --uncertainty out."
)


def load_head(
    head: UncertaintyHead, path: str | os.PathLike[str], ckpt_path: str | os.PathLike[str]
) -> UncertaintyHead:
    """Load the weights of a head, which belong to those of one decomposing network.

    Args:
        head: the head, as the config describes it.
        path: its weights.
        ckpt_path: weights of the network that decomposes.

    Returns:
        the head in evaluation mode.

    Raises:
        BadInputError: when the file is missing, cannot be read, does not fit the head, or belongs to other weights.
    """
    if not Path(path).expanduser().is_file():
        raise BadInputError(f"No weights of the map of uncertainty at {path}. {REMEDY}")
    load_weights(head, Path(path).expanduser())
    used = fingerprint(ckpt_path)
    if head.belongs_to != used:
        raise BadInputError(
            f"{path} estimates the errors of other weights (sha256 {head.belongs_to[:12]}…) than {ckpt_path} "
            f"({used[:12]}…). {REMEDY}"
        )
    return head


def check_latent(uncertainty: UncertaintyMap | None, latent: str) -> None:
    """Refuse a map of uncertainty of estimates that it was not made for.

    Raises:
        BadInputError: when there is one and the latent is not zeros.
    """
    if uncertainty is not None and latent != "zeros":
        raise BadInputError(
            f"The map of uncertainty is for estimates from a latent of zeros, but latent is '{latent}'. "
            "Leave out --latent, or --uncertainty."
        )


class UncertaintyMap:
    """Expected error of decomposed volumes.

    Args:
        head: the head, as the config describes it.
        path: its weights.
        ckpt_path: weights of the network that decomposes.
        slices_at_once: slices in a batch. Defaults to 2.

    Raises:
        BadInputError: see `load_head`.
    """

    def __init__(
        self,
        head: UncertaintyHead,
        path: str | os.PathLike[str],
        ckpt_path: str | os.PathLike[str],
        slices_at_once: int = 2,
    ) -> None:
        self.head = load_head(head, path, ckpt_path)
        self.slices_at_once = slices_at_once

    def __call__(
        self, network: nn.Module, fused: torch.Tensor, decomposed: torch.Tensor, scale: IntensityScale
    ) -> torch.Tensor:
        """Apply the head.

        Args:
            network: the network that decomposed; its device is used.
            fused: fused volume (1, X, Y, Z), as stored.
            decomposed: normalised estimates (N, X, Y, Z).
            scale: the "intensity_scale" of the sources.

        Returns:
            σ (N, X, Y, Z) in the sources' own units.
        """
        head = self.head.to(next(network.parameters()).device)
        sigma = uncertainty_volume(head, fused, decomposed, scale["slice_axis"], self.slices_at_once)
        return restore_intensity(sigma, without_offset(scale), in_place=True)


def without_offset(scale: IntensityScale) -> dict[str, Any]:
    """The scale that leads differences, not values, back to their own units."""
    return {**scale, "offset": [[0.0] * len(row) for row in scale["offset"]]}
