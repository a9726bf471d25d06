"""Decompose a patient from the stored fused image alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.data.naming import is_phantom
from scripts.inferers.slicewise import decompose_volume, restore_volume
from scripts.outputs.identity import check_belongs, check_latent_belongs
from scripts.outputs.inside import folder_inside
from scripts.outputs.map_files import UNCERTAINTY, write_map_sidecar, write_maps
from scripts.outputs.outdated import check_same_fusion, outdated_files
from scripts.outputs.overview import draw_overview
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.staged import placed, recover, staged
from scripts.outputs.volumes import load_fused, load_latent
from scripts.transforms.normalize import restore_intensity

from .fuse import ExactNetwork, check_settings, check_sources
from .fusion_files import write_estimates
from .uncertainty_map import UncertaintyMap, check_latent


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
    """Estimates of the sources, in their own units; the sources themselves where the latent was kept.

    Args:
        checkpoint: checksum of the weights in use, compared with that of the weights that fused.
        latent: distribution of the fresh latent. Defaults to "normal".
        seed: seed of the latent. Defaults to 0.
        slices_at_once: slices in a batch. Defaults to 2.
        uncertainty: gives the expected error of the estimates. Defaults to None (no map).
    """

    def __init__(
        self,
        checkpoint: str,
        latent: str = "normal",
        seed: int = 0,
        slices_at_once: int = 2,
        uncertainty: UncertaintyMap | None = None,
    ) -> None:
        check_settings("float32", latent, seed, slices_at_once)
        check_latent(uncertainty, latent)
        self.uncertainty = uncertainty
        self.exact = ExactNetwork()
        self.checkpoint = checkpoint
        self.latent = latent
        self.seed = seed
        self.slices_at_once = slices_at_once

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Apply the network.

        Args:
            network: a `FusionINN` of two dimensions, applied slice by slice, or of three.
            data: what `ReadFused` returns.

        Returns:
            "decomposed" and, where it is asked for, "uncertainty": (N, X, Y, Z) in the sources' own units.

        Raises:
            BadInputError: when other weights fused the image, the number of sources differs, or the uncertainty of the
                sources themselves is asked for.
        """
        sidecar, fused = data["sidecar"], data["image"]
        if sidecar["CheckpointSHA256"] != self.checkpoint:
            raise BadInputError(
                f"{data['fused']} was fused with other weights (sha256 {sidecar['CheckpointSHA256'][:12]}…, these are "
                f"{self.checkpoint[:12]}…): they would take it apart wrongly. Give those that fused by --ckpt_path."
            )
        check_sources(network, len(sidecar["SourceModalities"]))
        axis = sidecar["IntensityScale"]["slice_axis"]
        if self.uncertainty is not None and data["latent"] is not None:
            raise BadInputError(
                "with --lossless true the sources come back exactly, so there is no uncertainty to map. Leave out "
                "--uncertainty, or --lossless."
            )
        results = {}
        if data["latent"] is None:
            normalised = decompose_volume(network, fused, axis, self.latent, self.seed, self.slices_at_once)
            if self.uncertainty is not None:
                shown = fused.clamp(0.0, 1.0)
                results["uncertainty"] = self.uncertainty(network, shown, normalised, sidecar["IntensityScale"])
        else:
            exact = self.exact(network, sidecar["IntensityScale"]["mode"])
            normalised = restore_volume(exact, fused, data["latent"], axis, self.slices_at_once)
        return {"decomposed": restore_intensity(normalised, sidecar["IntensityScale"], in_place=True), **results}


class DecompositionFiles:
    """Write the decomposed images of a patient and their picture.

    The picture is ``<patient>_decomposed_overview.png``, which leaves that of the fusion alone. No picture is drawn
    where the latent was kept, since its labels are those of estimates. All files appear at once, see
    `scripts.outputs.staged`, and replace what an earlier run left in the folder of the patient; where its fused image
    lies there too, the maps of that image stay.

    Args:
        output_dir: folder for all patients.
        overview: draw the picture. Defaults to True.
    """

    def __init__(self, output_dir: str, overview: bool = True) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.overview = overview

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one patient.

        Args:
            data: what `ReadFused` returns.
            results: what `DecomposeVolume` returns.

        Returns:
            the files written.

        Raises:
            BadInputError: when the folder holds another fused image of the patient, or cannot be written to.
        """
        sidecar, patient = data["sidecar"], data["patient"]
        folder = folder_inside(self.output_dir, patient)
        recover(folder)
        same = check_same_fusion(folder / f"{patient}_fused.json", sidecar.get("FusionID"))
        outdated = partial(outdated_files, folder, patient, keep=[data["fused"]])
        with staged(folder, tuple if same else outdated) as stage:
            written = self._write(stage, data, results)
        return placed(written, stage, folder)

    def _write(self, stage: Path, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        sidecar, patient, affine = data["sidecar"], data["patient"], data["affine"]
        stem = stage / patient
        sources = sidecar["SourceModalities"]
        dtypes = dict(zip(sources, sidecar.get("SourceDtypes", ["float32"] * len(sources)), strict=True))
        estimates = dict(zip(sources, results["decomposed"], strict=True))
        restored = data["latent"] is not None
        written = write_estimates(stem, estimates, affine, dtypes, data["fused"], restored)
        maps = {}
        if UNCERTAINTY in results:
            maps[UNCERTAINTY] = dict(zip(sources, results[UNCERTAINTY], strict=True))
            written += write_maps(stage, patient, maps[UNCERTAINTY], UNCERTAINTY, affine, data["fused"])
            path = Path(f"{stem}_{UNCERTAINTY}.json")
            written.append(write_map_sidecar(path, patient, sources, UNCERTAINTY, sidecar.get("FusionID")))
        if self.overview and not restored:
            written.append(f"{stem}_decomposed_overview.png")
            draw_overview(
                written[-1],
                None,
                data["image"][0].clamp(0.0, 1.0).numpy(),
                {source: volume.numpy() for source, volume in estimates.items()},
                affine=affine,
                slice_axis=sidecar["SliceAxis"],
                title=patient,
                phantom=is_phantom(patient),
                **maps,
            )
        return written
