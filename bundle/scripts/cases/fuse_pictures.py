"""Fuse pictures and check at once how well they come back from what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.data.colour import luminance_and_chroma
from scripts.data.errors import BadInputError
from scripts.data.picture_pairs import source_labels
from scripts.data.pictures import Picture
from scripts.inferers.refined_fusion import check_refine, refining
from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.outputs.colour import colour_levels
from scripts.outputs.pictures import GREY_TYPES, grey_levels
from scripts.transforms.load_pictures import SLICE_AXIS

from .case import FusedCase
from .fuse import check_settings, check_sources, refinement, slice_ssim


def stored_levels(fused: np.ndarray, chroma: np.ndarray | None, bits: int) -> np.ndarray:
    """What the file of a fused picture holds.

    Args:
        fused: luminance [H, W].
        chroma: [2, H, W] that it carries, or None for a grey picture.
        bits: 8 or 16 for a grey picture; colour is stored in 8 a channel, which hold a finer luminance than 8 bits of
            grey do.

    Returns:
        [H, W] or [H, W, 3], whole numbers.
    """
    return grey_levels(fused, bits) if chroma is None else colour_levels(fused, chroma)


def read_back(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """What a reader gets from stored levels: luminance [H, W] in [0, 1] and chroma [2, H, W], or None."""
    shown = levels.astype(np.float64) / np.iinfo(levels.dtype).max
    return (shown.astype(np.float32), None) if shown.ndim == 2 else luminance_and_chroma(shown)


@dataclass(frozen=True, kw_only=True)
class FusedPictureCase(FusedCase):
    """A case of fused pictures.

    Args:
        levels: what the file of the fused picture holds, [H, W] or [H, W, 3].
        pictures: the sources.
        coloured: index of the source whose colour the fused picture carries, or None.
    """

    levels: np.ndarray
    pictures: Sequence[Picture]
    coloured: int | None


class FusePictures:
    """Fuse the luminances, give the fused picture the colour, round it as it is stored, and decompose that.

    Args:
        bits: bits of a grey fused picture, 8 or 16. Defaults to 8.
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        refine: steps that refine the fused image, see `RefinedFusion`. Defaults to 0 (not refined).
        checkpoint: SHA-256 of the weights in use, for the sidecar. Defaults to "" (unknown).

    Raises:
        BadInputError: when a setting is none that is possible.
    """

    def __init__(
        self, bits: int = 8, latent: str = "zeros", seed: int = 0, checkpoint: str = "", refine: int = 0
    ) -> None:
        if bits not in GREY_TYPES:
            raise BadInputError(f"fused_bits is {bits!r}, expected 8 or 16.")
        check_settings(GREY_TYPES[bits], latent, seed, 1)
        check_refine(refine)
        self.bits = bits
        self.latent = latent
        self.seed = seed
        self.checkpoint = checkpoint
        self.refine = refine

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> FusedPictureCase:
        """Apply the network.

        Args:
            network: a two-dimensional `FusionINN`.
            data: what `LoadPicturesd` returns.

        Returns:
            the case. Its estimates are decomposed from the stored levels alone.

        Raises:
            BadInputError: when the network takes another number of sources.
        """
        image = data["image"]
        check_sources(network, len(image))
        fused, _ = fuse_volume(refining(network, self.refine), image, SLICE_AXIS, keep_latent=False)
        chroma = None if data["coloured"] is None else data["pictures"][data["coloured"]].chroma
        levels = stored_levels(fused[0, ..., 0].numpy(), chroma, self.bits)
        shown = torch.from_numpy(read_back(levels)[0])[None, ..., None]
        decomposed = decompose_volume(network, shown, SLICE_AXIS, self.latent, self.seed)
        files = dict(zip(source_labels(data["files"]), data["files"], strict=True))
        return FusedPictureCase(
            patient=data["patient"],
            sources=tuple(files),
            fused=shown,
            decomposed=decomposed,
            scale=data["intensity_scale"],
            affine=np.eye(4),
            image=image,
            files=files,
            ssim={
                "fused": slice_ssim(image, shown.expand_as(image), SLICE_AXIS),
                "decomposed": slice_ssim(image, decomposed, SLICE_AXIS),
            },
            dtype=GREY_TYPES[self.bits] if levels.ndim == 2 else "uint8",
            latent_kind=self.latent,
            checkpoint=self.checkpoint,
            measured=refinement(self.refine),
            levels=levels,
            pictures=data["pictures"],
            coloured=data["coloured"],
        )
