"""Find fused images in a folder, with the files written next to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.safe_names import safe_again
from scripts.data.strict_json import read_json

from .bids_names import BidsNames, bids_fused
from .identity import FUSED_ENDINGS, may_be_of, patient_of
from .result_names import ResultNames
from .sidecar import sidecar_of
from .staged import result_files


def find_fused(dataset_dir: str) -> list[dict[str, Any]]:
    """Find fused images in a folder and the folders below it.

    Args:
        dataset_dir: folder of ``<patient>_fused.nii[.gz]`` files next to their ``<patient>_fused.json``, or a BIDS
            derivative, whose patients have the names that they were fused by.

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
        patient = _fused_as(file) or safe_again(name)
        if patient in records:
            records[patient]["problem"] = (
                f"{file} and {records[patient]['fused']} are both the fused image of {patient}. Keep one of them, or "
                "decompose one folder at a time."
            )
            continue
        bids = bids_fused(file)
        latent = ResultNames(name).latent if bids is None else BidsNames(patient, bids, {}).latent
        beside = {"sidecar_file": sidecar_of(file), "latent_file": file.with_name(latent)}
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
            f"no fused image was found in {folder}: searched for files that end in {' or '.join(FUSED_ENDINGS)}, and "
            f"for BIDS names with desc-fused. {remedy}"
        )
    return list(records.values())


def _fused_as(file: Path) -> str | None:
    """Return the name that a patient of a BIDS derivative was fused by, which its sidecar holds; None if unknown."""
    if bids_fused(file) is None:
        return None
    try:
        content = read_json(sidecar_of(file))
        patient = safe_again(content["Patient"])
    except (BadInputError, KeyError, TypeError, AttributeError):
        return None  # reported when the patient is read
    return patient if may_be_of(file, patient) else None
