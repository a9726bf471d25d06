"""The files of a fused patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.data.naming import is_nifti, is_phantom
from scripts.networks.weights import fingerprint
from scripts.outputs.digest import voxel_digest
from scripts.outputs.identity import identity_keys
from scripts.outputs.inside import folder_inside
from scripts.outputs.map_files import CONTRIBUTION, UNCERTAINTY, map_keys, write_maps
from scripts.outputs.outdated import outdated_files
from scripts.outputs.overview import draw_overview
from scripts.outputs.sidecar import write_sidecar
from scripts.outputs.staged import placed, staged
from scripts.outputs.volumes import (
    estimate_descrip,
    fused_descrip,
    latent_descrip,
    restored_descrip,
    save_volume,
    stored_dtype,
)
from scripts.transforms.normalize import Restored


class FusionFiles:
    """Write fused image, sidecar, decomposed images, maps, overview and report of a patient.

    They appear in ``output_dir/<patient>/`` all at once, see `scripts.outputs.staged`, and replace what an earlier run
    left there: until the new set is complete the old one stands. What is given stays as it is.

    Args:
        output_dir: folder for all patients.
        sources: names of the sources, in the network's order.
        ckpt_path: weights in use, for the record.
        dtype: how the fused image is stored. Defaults to "uint16".
        latent: distribution of the fresh latent, for the record. Defaults to "normal".
        lossless: keep the latent next to the fused image. Defaults to False.
        overview: draw the picture. Defaults to True.
        report: takes the fused image's file, what was read and the sources in their own units, and writes the report
            next to the file, see `AddReport`. Defaults to None.
    """

    def __init__(
        self,
        output_dir: str,
        sources: list[str],
        ckpt_path: str,
        dtype: str = "uint16",
        latent: str = "normal",
        lossless: bool = False,
        overview: bool = True,
        report: Callable[[str, dict[str, Any], Mapping[str, torch.Tensor]], Any] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.sources = list(sources)
        self.checkpoint = fingerprint(ckpt_path)
        self.dtype = dtype
        self.latent = latent
        self.lossless = lossless
        self.overview = overview
        self.report = report

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one patient.

        Args:
            data: "patient", "image" (normalised, with affine), "intensity_scale" and "files" of the sources;
                "registration", "preparation" and "warnings" where there are.
            results: what `FuseVolume` returns; maps in it are written too.

        Returns:
            the files written.
        """
        folder = folder_inside(self.output_dir, data["patient"])
        outdated = partial(outdated_files, folder, data["patient"], keep=data["files"].values())
        with staged(folder, outdated) as stage:
            written = self._write(stage, data, results)
        return placed(written, stage, folder)

    def _write(self, stage: Path, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        patient, files, scale = data["patient"], data["files"], data["intensity_scale"]
        affine = np.asarray(data["image"].affine)
        stem = stage / patient
        like = files[self.sources[0]] if is_nifti(files[self.sources[0]]) else None
        phantom = is_phantom(patient)
        written = [f"{stem}_fused.json", f"{stem}_fused.nii.gz"]
        dtypes = {source: stored_dtype(files[source]) for source in self.sources}
        extra: dict[str, Any] = {
            **identity_keys(patient, results["fused"].shape[1:], affine),
            "SourceDtypes": list(dtypes.values()),
            "SSIM": mean_ssim(results["ssim"], self.sources),
        }
        maps = {
            kind: dict(zip(self.sources, results[kind], strict=True))
            for kind in (CONTRIBUTION, UNCERTAINTY)
            if kind in results
        }
        for kind in maps:
            extra |= map_keys(patient, self.sources, kind)
        if self.lossless:
            extra["LatentFile"] = f"{patient}_latent.nii.gz"
            extra["LatentSHA256"] = voxel_digest(results["latent"], "float32")
        if "typicality" in results:
            extra["Typicality"] = results["typicality"]
        # How unregistered sources were brought together, see `scripts.registration`.
        extra |= {key.capitalize(): data[key] for key in ("registration", "preparation", "warnings") if key in data}
        sidecar = write_sidecar(
            written[0],
            sources=files,
            intensity_scale=scale,
            stored_dtype=self.dtype,
            checkpoint_sha256=self.checkpoint,
            latent_kind=self.latent,
            fused_sha256=voxel_digest(results["fused"][0], self.dtype),
            phantom=phantom,
            extra=extra,
        )
        fusion = sidecar["FusionID"]
        save_volume(written[1], results["fused"][0], affine, self.dtype, descrip=fused_descrip(fusion), like=like)
        if self.lossless:
            written.append(f"{stem}_latent.nii.gz")
            save_volume(
                written[-1], channels_last(results["latent"]), affine, descrip=latent_descrip(fusion), like=like
            )
        estimates = Restored(self.sources, results["decomposed"], scale)
        originals = Restored(self.sources, torch.as_tensor(np.asarray(data["image"])), scale)
        written += write_estimates(stem, estimates, affine, dtypes, like)
        for kind, volumes in maps.items():
            written += write_maps(stage, patient, volumes, kind, affine, like)
        if self.overview:
            written.append(f"{stem}_overview.png")
            draw_overview(
                written[-1],
                originals,
                results["fused"][0].clamp(0.0, 1.0).numpy(),
                estimates,
                affine=affine,
                slice_axis=scale["slice_axis"],
                lesion=np.asarray(data["seg"][0]) if "seg" in data else None,
                ssim={
                    source: {of: values[:, i] for of, values in results["ssim"].items()}
                    for i, source in enumerate(self.sources)
                },
                title=patient,
                phantom=phantom,
                **maps,
            )
        if self.report is not None:
            written += self.report(written[1], data, originals)
        return written


def mean_ssim(ssim: dict[str, np.ndarray], sources: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Mean over the slices that have one, for the sidecar.

    Args:
        ssim: for what is compared, the SSIM of each slice (rows) and source (columns).
        sources: names of the sources.
    """
    return {
        of: {
            source: None if np.isnan(column).all() else round(float(np.nanmean(column)), 4)
            for source, column in zip(sources, values.T, strict=True)
        }
        for of, values in ssim.items()
    }


def channels_last(volume: torch.Tensor) -> torch.Tensor:
    """(C, X, Y, Z) to (X, Y, Z) for one channel and (X, Y, Z, C) for more, as NIfTI stores them."""
    return volume[0] if len(volume) == 1 else volume.permute(1, 2, 3, 0)


def write_estimates(
    stem: Path,
    estimates: Mapping[str, torch.Tensor],
    affine: np.ndarray,
    dtypes: dict[str, str],
    like: str | None = None,
    restored: bool = False,
) -> list[str]:
    """Write decomposed volumes, in the sources' own units and marked as estimates.

    Args:
        stem: folder and name of the patient.
        estimates: volume (X, Y, Z) of every source.
        affine: voxel to millimetre.
        dtypes: type to store each in; integers are rounded.
        like: NIfTI file whose coordinate codes are taken over. Defaults to None (scanner coordinates).
        restored: they are the sources themselves, no estimates. Defaults to False.

    Returns:
        the files written.
    """
    written = []
    for source in estimates:
        written.append(f"{stem}_{source}_decomposed.nii.gz")
        descrip = restored_descrip(source) if restored else estimate_descrip(source)
        save_volume(
            written[-1], estimates[source], affine, dtypes[source], value_range=None, descrip=descrip, like=like
        )
    return written
