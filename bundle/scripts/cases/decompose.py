"""Decompose a patient from the stored fused image alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.inferers.slices_at_once import AUTO
from scripts.inferers.slicewise import decompose_volume, restore_volume
from scripts.outputs.identity import check_belongs, check_latent_belongs
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.volumes import load_fused, load_latent

from .case import DecomposedCase
from .fuse import ExactNetwork, check_settings, check_sources


class ReadFused:
    """Read a fused image and its sidecar, and the latent where it is asked for.

    Args:
        lossless: read the latent that was kept beside the fused image. Defaults to False.
    """

    def __init__(self, lossless: bool = False) -> None:
        self.lossless = lossless

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Read one patient.

        Args:
            record: "patient" and "fused".

        Returns:
            the record with "image" (1, X, Y, Z) in [0, 1], "affine", "sidecar", and "latent" (N - 1, X, Y, Z) or None.

        Raises:
            BadInputError: when a file is missing, damaged, or does not belong to the others.
        """
        if "problem" in record:
            raise BadInputError(record["problem"])
        path = record["fused"]
        sidecar = read_sidecar(sidecar_of(path))
        fused, affine, dtype = load_fused(path, clip=False)
        latent = self._latent(path, sidecar, fused.shape, dtype) if self.lossless else None
        check_belongs(path, sidecar, fused, affine)
        if not self.lossless:
            fused = fused.clip(0.0, 1.0, out=fused)
        return {
            **record,
            "image": torch.from_numpy(fused)[None],
            "affine": affine,
            "sidecar": sidecar,
            "latent": latent,
        }

    @staticmethod
    def _latent(path: str, sidecar: dict[str, Any], shape: tuple[int, ...], dtype: str) -> torch.Tensor:
        remedy = "Fuse again with --lossless true, or decompose without it."
        if "LatentFile" not in sidecar:
            raise BadInputError(f"{path} was fused without its latent. {remedy}")
        if dtype != "float32":
            raise BadInputError(f"{path} is stored as {dtype}, the exact inverse needs it as float32. {remedy}")
        latent_path = Path(path).with_name(sidecar["LatentFile"])
        latent = load_latent(latent_path)
        if latent.shape[1:] != shape:
            raise BadInputError(
                f"{sidecar['LatentFile']} has shape {latent.shape[1:]}, its fused image {path} {shape}. {remedy}"
            )
        check_latent_belongs(latent_path, sidecar, latent)
        return torch.from_numpy(latent)


class DecomposeVolume:
    """Estimates of the sources; the sources themselves where the latent was kept.

    Args:
        checkpoint: SHA-256 of the weights in use, compared with that of the weights that fused.
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
    """

    def __init__(self, checkpoint: str, latent: str = "zeros", seed: int = 0, slices_at_once: int | str = AUTO) -> None:
        check_settings("float32", latent, seed, slices_at_once)
        self.exact = ExactNetwork()
        self.checkpoint = checkpoint
        self.latent = latent
        self.seed = seed
        self.slices_at_once = slices_at_once

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> DecomposedCase:
        """Apply the network.

        Args:
            network: a `FusionINN` of two dimensions, applied slice by slice, or of three.
            data: what `ReadFused`, `ReadFusedSeries` or `ReadFusedPicture` returns.

        Returns:
            the case.

        Raises:
            BadInputError: when other weights fused the image, or the number of sources differs.
        """
        sidecar, fused, latent = data["sidecar"], data["image"], data["latent"]
        if sidecar["CheckpointSHA256"] != self.checkpoint:
            raise BadInputError(
                f"{data['fused']} was fused with other weights (sha256 {sidecar['CheckpointSHA256'][:12]}…, these are "
                f"{self.checkpoint[:12]}…): they would take it apart wrongly. Give those that fused by --ckpt_path."
            )
        check_sources(network, len(sidecar["SourceModalities"]))
        scale = sidecar["IntensityScale"]
        axis = scale["slice_axis"]
        if latent is None:
            decomposed = decompose_volume(network, fused, axis, self.latent, self.seed, self.slices_at_once)
        else:
            exact = self.exact(network, scale["mode"])
            decomposed = restore_volume(exact, fused, latent, axis, self.slices_at_once)
        return DecomposedCase(
            patient=data["patient"],
            sources=tuple(sidecar["SourceModalities"]),
            fused=fused,
            decomposed=decomposed,
            scale=scale,
            affine=data.get("affine", np.eye(4)),
            series=data.get("series", {}),
            record=sidecar,
            file=data["fused"],
            restored=latent is not None,
            picture=data.get("picture"),
        )
