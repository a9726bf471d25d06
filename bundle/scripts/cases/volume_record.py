"""What the sidecar of a fused volume says."""

from __future__ import annotations

from typing import Any

from scripts.outputs.digest import voxel_digest
from scripts.outputs.identity import identity_keys
from scripts.outputs.map_files import map_keys
from scripts.outputs.sidecar import sidecar_content
from scripts.outputs.volumes import stored_dtype

from .case import FusedCase


class VolumeRecord:
    """Describe a fused volume."""

    def __call__(self, case: FusedCase) -> dict[str, Any]:
        """Describe a case.

        Args:
            case: the fused case with all its results.

        Returns:
            content of the sidecar.
        """
        extra: dict[str, Any] = {
            **identity_keys(case.patient, case.fused.shape[1:], case.affine),
            "SourceDtypes": [stored_dtype(file) for file in case.files.values()],
            "SSIM": case.mean_ssim,
        }
        for kind in case.maps:
            extra |= map_keys(case.names, case.sources, kind)
        if case.latent is not None:
            extra["LatentFile"] = case.names.latent
            extra["LatentSHA256"] = voxel_digest(case.latent, "float32")
        notes = {key.capitalize(): note for key, note in case.notes.items()}
        return volume_record(case, dict(case.files), {**extra, **case.measured, **notes})


def volume_record(case: FusedCase, sources: dict[str, str], extra: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the sidecar of a volume.

    Args:
        case: the fused case.
        sources: what names each source: a file, or a series.
        extra: more keys.
    """
    return sidecar_content(
        sources=sources,
        intensity_scale=case.scale,
        stored_dtype=case.dtype,
        checkpoint_sha256=case.checkpoint,
        latent_kind=case.latent_kind,
        fused_sha256=voxel_digest(case.fused[0], case.dtype),
        phantom=case.phantom,
        extra=extra,
    )
