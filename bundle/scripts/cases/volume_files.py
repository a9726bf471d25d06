"""Writers of NIfTI files: fused image, latent, estimates and maps."""

from __future__ import annotations

from pathlib import Path

import torch

from scripts.data.naming import is_nifti
from scripts.outputs.map_files import write_map_sidecar, write_maps
from scripts.outputs.sidecar import save_sidecar
from scripts.outputs.volumes import (
    estimate_descrip,
    fused_descrip,
    latent_descrip,
    restored_descrip,
    save_volume,
)

from .case import Case, DecomposedCase, FusedCase


class Sidecar:
    """Write ``<patient>_fused.json``, which leads from the fused image back to the sources."""

    def __call__(self, case: FusedCase, folder: Path) -> None:
        """Write the record of a case."""
        save_sidecar(folder / case.names.sidecar, case.record)


class FusedVolume:
    """Write ``<patient>_fused.nii.gz`` and, where the latent is kept, ``<patient>_latent.nii.gz``."""

    def __call__(self, case: FusedCase, folder: Path) -> None:
        """Write the volumes of a case."""
        fusion, like = case.record["FusionID"], coordinates_of(case)
        save_volume(
            folder / case.names.fused,
            case.fused[0],
            case.affine,
            case.dtype,
            descrip=fused_descrip(fusion),
            like=like,
        )
        if case.latent is not None:
            path = folder / case.names.latent
            save_volume(path, channels_last(case.latent), case.affine, descrip=latent_descrip(fusion), like=like)


class EstimatedVolumes:
    """Write ``<patient>_<source>_decomposed.nii.gz`` in the source's own units and type, marked as an estimate."""

    def __call__(self, case: Case, folder: Path) -> None:
        """Write the estimates of a case."""
        restored = isinstance(case, DecomposedCase) and case.restored
        dtypes, like = source_dtypes(case), coordinates_of(case)
        for source, volume in case.estimates.items():
            save_volume(
                folder / case.names.estimate(source),
                volume,
                case.affine,
                dtypes[source],
                value_range=None,
                descrip=restored_descrip(source) if restored else estimate_descrip(source),
                like=like,
            )


class MapVolumes:
    """Write ``<patient>_<source>_<kind>.nii.gz`` for each map of a case.

    Those of a decomposed case are described in ``<patient>_<kind>.json``; the sidecar of the fused image does not know
    them.
    """

    def __call__(self, case: Case, folder: Path) -> None:
        """Write the maps of a case."""
        for kind in case.maps:
            write_maps(folder, case.names, case.map_by_source(kind), kind, case.affine, coordinates_of(case))
            sidecar = case.names.map_sidecar(kind)
            if isinstance(case, DecomposedCase) and sidecar is not None:
                write_map_sidecar(folder / sidecar, case.names, case.sources, kind, case.record.get("FusionID"))


def source_dtypes(case: Case) -> dict[str, str]:
    """Return the type to store each estimate in; integers are rounded."""
    record = case.record
    if "SourceDtypes" in record:
        return dict(zip(case.sources, record["SourceDtypes"], strict=True))
    if "SourceSeries" in record:
        from scripts.dicom.source_pixels import nifti_dtype

        return {source: nifti_dtype(record["SourceSeries"][source]) for source in case.sources}
    return dict.fromkeys(case.sources, "float32")


def coordinates_of(case: Case) -> str | None:
    """Return the NIfTI file whose coordinate codes are taken over, None for scanner coordinates."""
    file = case.file if isinstance(case, DecomposedCase) else case.files[case.sources[0]]
    return file if is_nifti(file) else None


def channels_last(volume: torch.Tensor) -> torch.Tensor:
    """(C, X, Y, Z) to (X, Y, Z) for one channel and (X, Y, Z, C) for more, as NIfTI stores them."""
    return volume[0] if len(volume) == 1 else volume.permute(1, 2, 3, 0)
