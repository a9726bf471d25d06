"""Map of the expected error of decomposed images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from scripts.data.errors import BadInputError
from scripts.inferers.maps import uncertainty_volume
from scripts.inferers.slices_at_once import AUTO
from scripts.networks.uncertainty import UncertaintyHead
from scripts.networks.weights import fingerprint, load_weights
from scripts.outputs.map_files import UNCERTAINTY
from scripts.transforms.normalize import IntensityScale, restore_intensity

from .case import Case, DecomposedCase

AnyCase = TypeVar("AnyCase", bound=Case)

REMEDY = (
    "Train it for these weights with fusioninn train DIR --recipe uncertainty --ckpt_path WEIGHTS --head_path FILE, "
    "and give it by --uncertainty_path FILE; or leave --uncertainty out."
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


class UncertaintyMap:
    """Add the expected error of the decomposed volumes, in the sources' own units.

    Args:
        head: the head, as the config describes it.
        path: its weights.
        ckpt_path: weights of the network that decomposes.
        latent: distribution of the latent that the volumes are decomposed with. Defaults to "zeros".
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".

    Raises:
        BadInputError: the latent is not zeros, or see `load_head`.
    """

    def __init__(
        self,
        head: UncertaintyHead,
        path: str | os.PathLike[str],
        ckpt_path: str | os.PathLike[str],
        latent: str = "zeros",
        slices_at_once: int | str = AUTO,
    ) -> None:
        if latent != "zeros":
            raise BadInputError(
                f"The map of uncertainty is for estimates from a latent of zeros, but latent is '{latent}'. "
                "Leave out --latent, or --uncertainty."
            )
        self.head = load_head(head, path, ckpt_path)
        self.slices_at_once = slices_at_once

    def __call__(self, network: nn.Module, case: AnyCase) -> AnyCase:
        """Apply the head.

        Args:
            network: the network that decomposed; its device is used.
            case: a fused or a decomposed case.

        Returns:
            the case with a map "uncertainty".

        Raises:
            BadInputError: the sources were restored exactly.
        """
        if isinstance(case, DecomposedCase) and case.restored:
            raise BadInputError(
                "with --lossless true the sources come back exactly, so there is no uncertainty to map. Leave out "
                "--uncertainty, or --lossless."
            )
        head = self.head.to(next(network.parameters()).device)
        sigma = uncertainty_volume(head, case.shown, case.decomposed, case.scale["slice_axis"], self.slices_at_once)
        return case.with_map(UNCERTAINTY, restore_intensity(sigma, without_offset(case.scale), in_place=True))


def without_offset(scale: IntensityScale) -> dict[str, Any]:
    """The scale that leads differences, not values, back to their own units."""
    return {**scale, "offset": [[0.0] * len(row) for row in scale["offset"]]}
