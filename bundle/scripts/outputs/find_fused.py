"""Find fused images in a folder, with the files written next to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.safe_names import safe_again

from .identity import FUSED_ENDINGS, patient_of
from .sidecar import sidecar_of
from .staged import result_files


def find_fused(dataset_dir: str) -> list[dict[str, Any]]:
    """Find fused images in a folder and the folders below it.

    Args:
        dataset_dir: folder of ``<patient>_fused.nii[.gz]`` files next to their ``<patient>_fused.json``.

    Returns:
        a record per patient: "patient", "fused", "sidecar_file" and "latent_file" if they are present, and "problem" if
        a patient has two fused images.

    Raises:
        BadInputError: when the folder does not exist or contains no fused image.
    """
    folder = Path(dataset_dir).expanduser()
    if not folder.is_dir():
        raise BadInputError(f"{folder} is not a folder. Give the folder of fused images by --dataset_dir.")
    records: dict[str, dict[str, Any]] = {}
    for file in result_files(folder):
        name = patient_of(file)
        if not name:
            continue
        patient = safe_again(name)
        if patient in records:
            records[patient]["problem"] = (
                f"{file} and {records[patient]['fused']} are both the fused image of {patient}. Keep one of them, or "
                "decompose one folder at a time."
            )
            continue
        beside = {
            "sidecar_file": sidecar_of(file),
            "latent_file": file.with_name(f"{name}_latent.nii.gz"),
        }
        there = {key: str(path) for key, path in beside.items() if path.is_file()}
        records[patient] = {"patient": patient, "fused": str(file), **there}
    if not records:
        of_studies = any(folder.rglob("fused/*.dcm"))
        remedy = (
            "It holds DICOM series: decompose those with fusioninn series; for a report of all, fuse the "
            "studies with --nifti true."
            if of_studies
            else "Make them with fusioninn fuse."
        )
        raise BadInputError(
            f"no fused image was found in {folder}: searched for files that end in {' or '.join(FUSED_ENDINGS)}. "
            f"{remedy}"
        )
    return list(records.values())
