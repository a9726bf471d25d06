"""Check that a sidecar belongs to a fused image, even if files were renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from scripts.data.errors import BadInputError

from .bids_names import bids_beginning, bids_fused
from .digest import voxel_digest
from .sidecar import sidecar_of

FUSED_ENDINGS = ("_fused.nii.gz", "_fused.nii")
_REMEDY = "Put the sidecar that was written with the image next to it, or fuse again."


def identity_keys(patient: str, shape: Sequence[int], affine: np.ndarray) -> dict[str, Any]:
    """Return the sidecar entries that identify its fused image."""
    return {
        "Patient": patient,
        "Shape": [int(n) for n in shape],
        "Affine": [[round(float(x), 6) for x in row] for row in np.asarray(affine)[:3]],
    }


def patient_of(path: str | os.PathLike[str]) -> str | None:
    """Return the patient in the name of a fused image, or None for any other file name.

    In a BIDS derivative it is "sub-01" or "sub-01_ses-2".
    """
    name = Path(path).name
    bids = bids_fused(path)
    if bids is not None:
        return bids
    ending = next((ending for ending in FUSED_ENDINGS if name.lower().endswith(ending)), None)
    return None if ending is None else name[: -len(ending)]


def may_be_of(path: str | os.PathLike[str], patient: str) -> bool:
    """Whether a fused image is that of a patient by its name."""
    if bids_fused(path) is None:
        return patient == patient_of(path)
    try:
        return bids_beginning(patient) == bids_fused(path)
    except BadInputError:
        return False


def check_belongs(
    path: str | os.PathLike[str], sidecar: Mapping[str, Any], values: np.ndarray, affine: np.ndarray
) -> None:
    """Raise if a fused image is not, voxel by voxel, the one that its sidecar was written for.

    Conversion by other tools may remove the id from the header; the patient in the file name is then compared instead.

    Args:
        path: the fused image.
        sidecar: content of the sidecar next to it; keys that older versions lack are not compared.
        values: [X, Y, Z] of the image, not clipped.
        affine: [4, 4] of the image.

    Raises:
        BadInputError: image and sidecar belong to different fusions, or the image was changed afterwards.
    """
    if not _check_id(path, sidecar) and "Patient" in sidecar and not may_be_of(path, sidecar["Patient"]):
        raise BadInputError(
            f"the sidecar next to {path} is of patient {sidecar['Patient']}. {_REMEDY} If both files were renamed, "
            'change "Patient" in the sidecar.'
        )
    check_grid(path, sidecar, values.shape, affine)
    known = sidecar.get("FusedSHA256")
    if known is not None and known != voxel_digest(values, sidecar["StoredDtype"]):
        raise BadInputError(
            f"{path} does not contain the voxels that were written ({sidecar['StoredDtype']}); its sidecar is "
            "unchanged. The image was converted to another type, filtered or edited, which can destroy information "
            "about the sources. Give the original image, or fuse again with the required --fused_dtype. To "
            f'decompose it as it is, remove the key "FusedSHA256" from {sidecar_of(path)}.'
        )


def check_grid(
    path: str | os.PathLike[str], sidecar: Mapping[str, Any], shape: Sequence[int], affine: np.ndarray
) -> None:
    """Raise if a fused image has a different grid than when it was fused.

    Args:
        path: the fused image.
        sidecar: content of its sidecar; keys that older versions lack are not compared.
        shape: [X, Y, Z] of the image.
        affine: [4, 4] of the image.

    Raises:
        BadInputError: the image was resampled, cropped or reoriented afterwards.
    """
    if list(sidecar.get("Shape", shape)) != list(shape):
        raise BadInputError(
            f"{path} has shape {tuple(shape)}, but {tuple(sidecar['Shape'])} was written: it was resampled or cropped, "
            "which destroys information about the sources. Give the original fused image."
        )
    if "Affine" in sidecar and not _same_place(np.asarray(sidecar["Affine"]), affine, shape):
        raise BadInputError(
            f"{path} has different coordinates than when it was fused: it was resampled or reoriented, so its voxels "
            "are not the original ones. Give the original fused image."
        )


def check_latent_belongs(path: str | os.PathLike[str], sidecar: Mapping[str, Any], latent: np.ndarray) -> None:
    """Raise if a latent belongs to another fusion than its sidecar, or was changed afterwards.

    Args:
        path: the latent.
        sidecar: content of the sidecar of its fused image; keys that older versions lack are not compared.
        latent: [N - 1, X, Y, Z].

    Raises:
        BadInputError: the latent belongs to another fusion, or was changed.
    """
    _check_id(path, sidecar)
    known = sidecar.get("LatentSHA256")
    if known is not None and known != voxel_digest(latent, "float32"):
        raise BadInputError(
            f"{path} does not contain the voxels that were written; its sidecar is unchanged. Restore it or fuse again "
            "with --lossless true, or decompose without --lossless."
        )


def _check_id(path: str | os.PathLike[str], sidecar: Mapping[str, Any]) -> bool:
    """Whether the ids are known and equal."""
    written = re.search(rb", id ([0-9a-f]{12})", nib.load(path).header["descrip"].item())
    known = sidecar.get("FusionID")
    if not written or not known:
        return False
    if written[1].decode() != known:
        raise BadInputError(
            f"{path} and the sidecar next to it belong to different fusions (id {written[1].decode()} in the image, "
            f"{known} in the sidecar). {_REMEDY}"
        )
    return True


def _same_place(one: np.ndarray, other: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether all corners agree to within a tenth of a voxel."""
    difference = np.abs(one - np.asarray(other)[:3])
    reach = difference[:, :3] @ np.asarray(shape, dtype=np.float64) + difference[:, 3]
    return float(np.linalg.norm(reach)) <= 0.1 * float(np.linalg.norm(one[:, :3], axis=0).min())
