"""Fuse a patient and check at once how well the sources come back from what is stored."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.flow.latent import LATENT_KINDS
from scripts.inferers.refined_fusion import check_refine, refining
from scripts.inferers.slices_at_once import AUTO, check_slices_at_once
from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.losses.ssim import SSIM
from scripts.outputs.levels import LEVELS, as_stored
from scripts.runtimes import with_derivatives
from scripts.transforms.slicing import to_slices

from .case import FusedCase

DTYPES = (*LEVELS, "float32")
NOTES = ("registration", "preparation", "segmentation", "warnings")
"""Keys under which preprocessing notes what it did to the sources, see `scripts.registration`."""


def check_settings(dtype: str, latent: str, seed: int, slices_at_once: int | str) -> None:
    """Refuse settings of a command that the network cannot follow.

    Raises:
        BadInputError: naming the setting and what is possible.
    """
    if dtype not in DTYPES:
        raise BadInputError(f"fused_dtype is '{dtype}', expected one of {', '.join(DTYPES)}.")
    if latent not in LATENT_KINDS:
        raise BadInputError(f"latent is '{latent}', expected one of {', '.join(LATENT_KINDS)}.")
    if not isinstance(seed, int) or seed < 0:
        raise BadInputError(f"seed is {seed!r}, expected a whole number from 0 on.")
    check_slices_at_once(slices_at_once)


def check_sources(network: nn.Module, count: int) -> None:
    """Refuse sources that are more or fewer than those the network was trained on.

    Raises:
        BadInputError: when they are.
    """
    if count != network.in_channels:
        raise BadInputError(
            f"{count} sources are given, but the network fuses {network.in_channels}. Change --sources, or set "
            "--network_def#in_channels and give weights that were trained with it."
        )


class ExactNetwork:
    """The network in the precision that a round trip needs to be exact to the last grey value.

    Single precision is enough in [0, 1], where the error is about 2e-6. A bright vessel above the range, which the
    normalisation by volume allows, would come back with up to 2e-4; and GPUs convolve with fewer digits. Double
    precision takes several times as long.
    """

    def __init__(self) -> None:
        self._single: nn.Module | None = None

    def __call__(self, network: nn.Module, mode: str) -> nn.Module:
        """Return the network itself, or a copy in double precision, made once.

        Args:
            network: a `FusionINN`.
            mode: how the sources were normalised: "slice" or "volume".
        """
        if mode == "slice" and next(network.parameters()).device.type == "cpu":
            return network
        if self._single is not network:
            self._single, self._double = network, copy.deepcopy(with_derivatives(network)).double()
        return self._double


class FuseVolume:
    """Fuse a normalised volume, store it, decompose what was stored, and compare with the sources.

    Args:
        dtype: how the fused image will be stored: "uint16", "uint8" or "float32". Defaults to "uint16".
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
        lossless: keep the latent, and compute it exactly. Defaults to False.
        refine: steps that refine the fused image, see `RefinedFusion`. Defaults to 0 (not refined).
        checkpoint: SHA-256 of the weights in use, for the sidecar. Defaults to "" (unknown).
    """

    def __init__(
        self,
        dtype: str = "uint16",
        latent: str = "zeros",
        seed: int = 0,
        slices_at_once: int | str = AUTO,
        lossless: bool = False,
        refine: int = 0,
        checkpoint: str = "",
    ) -> None:
        check_settings(dtype, latent, seed, slices_at_once)
        check_refine(refine, lossless)
        self.dtype = dtype
        self.latent = latent
        self.seed = seed
        self.slices_at_once = slices_at_once
        self.lossless = lossless
        self.refine = refine
        self.checkpoint = checkpoint
        self.exact = ExactNetwork()

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> FusedCase:
        """Apply the network.

        Args:
            network: a `FusionINN` of two dimensions, applied slice by slice, or of three.
            data: "patient", "image" (N, X, Y, Z) normalised, its "intensity_scale", and "files" of the sources by name;
                optional "seg", "series", "registration", "preparation", "segmentation" and "warnings".

        Returns:
            the case. Its estimates are decomposed from the fused image as it is stored.

        Raises:
            BadInputError: when the network takes another number of sources.
        """
        scale = data["intensity_scale"]
        axis = scale["slice_axis"]
        image = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        check_sources(network, len(image))
        exact = self.exact(network, scale["mode"]) if self.lossless else network
        fuse = refining(exact, self.refine)
        fused, latent = fuse_volume(fuse, image, axis, self.slices_at_once, keep_latent=self.lossless)
        shown = as_stored(fused, self.dtype)
        if not self.lossless:  # what lies outside [0, 1] is of use to its own latent only
            fused = shown
        decomposed = decompose_volume(network, shown, axis, self.latent, self.seed, self.slices_at_once)
        return FusedCase(
            patient=data["patient"],
            sources=tuple(data["files"]),
            fused=fused,
            decomposed=decomposed,
            scale=scale,
            affine=np.asarray(getattr(data["image"], "affine", np.eye(4)), dtype=np.float64),
            series=data.get("series", {}),
            image=image,
            files=data["files"],
            ssim={
                "fused": slice_ssim(image, shown.expand_as(image), axis),
                "decomposed": slice_ssim(image, decomposed, axis),
            },
            dtype=self.dtype,
            latent_kind=self.latent,
            checkpoint=self.checkpoint,
            latent=latent if self.lossless else None,
            seg=data.get("seg"),
            notes={key: data[key] for key in NOTES if key in data},
            measured=refinement(self.refine),
        )


def refinement(steps: int) -> dict[str, int]:
    """Return what the sidecar says of a refinement; nothing without one."""
    return {"RefinementSteps": steps} if steps else {}


def slice_ssim(image: torch.Tensor, other: torch.Tensor, axis: int, slices_at_once: int = 4) -> np.ndarray:
    """SSIM of two volumes, slice by slice.

    Args:
        image: volume of shape (N, X, Y, Z) in [0, 1].
        other: volume of the same shape.
        axis: spatial axis that the slices are taken along.
        slices_at_once: slices in a batch. Defaults to 4.

    Returns:
        array of shape (slices, N); NaN in slices that are black in the source or smaller than the window.
    """
    ssim = SSIM()
    first, second = to_slices(image, axis), to_slices(other, axis)
    values = np.full(first.shape[:2], np.nan)
    if min(first.shape[2:]) < ssim.taps.numel():
        return values
    for start in range(0, len(first), slices_at_once):
        batch = slice(start, start + slices_at_once)
        values[batch] = ssim(first[batch], second[batch]).numpy()
    values[~(first.amax(dim=(2, 3)) > 0).numpy()] = np.nan
    return values
