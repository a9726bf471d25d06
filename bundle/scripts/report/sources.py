"""Find the sources of fused patients again, and put them where they lay when they were fused."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.data.naming import is_nifti, is_volume
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.registration.bias import CorrectBiasd
from scripts.registration.place_segmentation import place_segmentations
from scripts.registration.resample import resample
from scripts.registration.strip import StripSkulld
from scripts.registration.volume import Volume
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.load_unregistered import LoadUnregisteredd

OF_STUDY = "SourceSeries"
"""Key of the sidecars of fused DICOM studies."""
REGISTRATION, SEGMENTATION = "Registration", "Segmentation"


def find_sources(
    sources_dir: str, sources: Sequence[str] | None, fused: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Find what patients were fused from: a data set, volumes that were not registered, or DICOM studies.

    Args:
        sources_dir: folder of the sources.
        sources: modalities to look for; None for those that the sidecars name.
        fused: records with "patient" and "fused", whose sidecars say of which kind the sources are.

    Returns:
        by patient the record of `find_patients` or `find_studies`.

    Raises:
        BadInputError: no sources of the kind are in the folder.
    """
    sidecars = {record["patient"]: _sidecar(record["fused"]) for record in fused}
    if sources is not None:
        return _find(sources_dir, sources, sidecars)
    found: dict[str, dict[str, Any]] = {}
    for names in dict.fromkeys(tuple(sidecar["SourceModalities"]) for sidecar in sidecars.values() if sidecar):
        fused_alike = {
            patient: sidecar
            for patient, sidecar in sidecars.items()
            if tuple(sidecar.get("SourceModalities", ())) == names
        }
        found |= _find(sources_dir, names, fused_alike)
    return found


def _find(
    sources_dir: str, sources: Sequence[str], sidecars: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    studies = {patient: sidecar for patient, sidecar in sidecars.items() if OF_STUDY in sidecar}
    found = _find_studies(sources_dir, sources, studies) if studies else {}
    for is_image in (is_nifti, is_volume):
        patients = {
            patient
            for patient, sidecar in sidecars.items()
            if patient not in studies and (REGISTRATION in sidecar) == (is_image is is_volume)
        }
        if patients:
            records = find_patients(sources_dir, sources, is_image=is_image)
            found |= {record["patient"]: record for record in records if record["patient"] in patients}
    return found


def _sidecar(fused: str) -> Mapping[str, Any]:
    try:
        return read_sidecar(sidecar_of(fused))
    except BadInputError:
        return {}  # reported when that patient is read


def _find_studies(
    sources_dir: str, sources: Sequence[str], fused: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    from scripts.dicom.find_studies import PATIENT_NAMES, find_studies

    found: dict[str, dict[str, Any]] = {}
    for names in PATIENT_NAMES:
        if set(fused) <= set(found):
            break
        for record in find_studies(sources_dir, sources, patient_names=names):
            if record["patient"] in fused:
                found.setdefault(record["patient"], record)
    for patient, record in found.items():
        numbers = _numbers(fused[patient])
        if numbers and _chosen_numbers(record) != numbers:
            for names in PATIENT_NAMES:
                others = find_studies(sources_dir, sources, numbers, names)
                found[patient] = next((one for one in others if one["patient"] == patient), found[patient])
    return found


def _numbers(sidecar: Mapping[str, Any]) -> dict[str, str]:
    """Numbers of the series by source, as far as the sidecar says them."""
    told = dict(zip(sidecar["SourceModalities"], sidecar["Sources"], strict=True))
    return {source: text.split()[-1] for source, text in told.items() if str(text).split()[-1].isdigit()}


def _chosen_numbers(record: Mapping[str, Any]) -> dict[str, str]:
    choices = record.get("series", {})
    return {source: str(choice.series.facts.number) for source, choice in choices.items()}


def read_sources(
    record: Mapping[str, Any], sidecar: Mapping[str, Any], shape: tuple[int, ...], affine: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray | None, dict[int, str]]:
    """Read the sources of a fused patient on the grid of the fused image.

    What was registered, stripped or corrected before fusing is put there by the recorded registration and prepared
    again in the same way.

    Args:
        record: record of `find_sources`.
        sidecar: of the fused image.
        shape: voxels of the fused image.
        affine: [4, 4] of the fused image.

    Returns:
        volume [X, Y, Z] by source, the segmentation where there is one, and the names of its labels.

    Raises:
        BadInputError: a source cannot be read, or lies on another grid and the sidecar does not say how to move it.
    """
    names, patient = sidecar["SourceModalities"], record["patient"]
    if "series" in record:
        from scripts.dicom.read_study import ReadStudy

        data = ReadStudy(names)(record)
    elif REGISTRATION in sidecar:
        data = LoadUnregisteredd(tuple(names))(dict(record))
    else:
        data = LoadSourcesd(names)(dict(record))
        image = data["image"]
        if tuple(image.shape[1:]) != tuple(shape) or not _same(np.asarray(image.affine), affine):
            raise _other_grid(patient, data["files"][names[0]])
        seg = np.asarray(data["seg"][0]) if "seg" in data else None
        return dict(zip(names, np.asarray(image), strict=True)), seg, {}
    moved = [
        _placed(volume, sidecar.get(REGISTRATION, {}).get(source), shape, affine)
        for source, volume in data["volumes"].items()
    ]
    if any(values is None for values in moved):
        raise _other_grid(patient, data["files"][names[0]])
    image = MetaTensor(torch.from_numpy(np.stack(moved)), affine=torch.as_tensor(affine))
    prepared = {"patient": patient, "image": image, "volumes": data["volumes"]}
    notes = [str(note) for note in sidecar.get("Preparation", ())]
    if any(note.startswith("skull stripped") for note in notes):
        prepared = StripSkulld()(prepared)
    if any(note.startswith("bias field corrected") for note in notes):
        prepared = CorrectBiasd(True)(prepared)
    volumes = dict(zip(data["volumes"], np.asarray(prepared["image"]), strict=True))
    if "series" not in record:
        return volumes, None, {}
    return volumes, *_outline(record, data["series"], sidecar, shape, affine)


def _outline(
    record: Mapping[str, Any],
    series: Mapping[str, Any],
    sidecar: Mapping[str, Any],
    shape: tuple[int, ...],
    affine: np.ndarray,
) -> tuple[np.ndarray | None, dict[int, str]]:
    """Place the segmentations of a study: those that were outlined when it was fused, or all that can be."""
    recorded = sidecar.get(SEGMENTATION, {}).get("Segments", {}).values()
    only = {(told["Series"], told["Number"]) for told in recorded} or None
    registration = sidecar.get(REGISTRATION, {})
    matrices = {source: np.asarray(told["matrix"]) for source, told in registration.items() if "matrix" in told}
    placed = place_segmentations(record.get("segmentations", ()), "auto", series, matrices, affine, shape, only)
    for warning in placed.warnings:
        logging.getLogger(__name__).warning(f"{record['patient']}: {warning}")
    if not placed.segments:
        return None, {}
    return placed.labels, {int(label): told["Name"] for label, told in placed.segments.items()}


def _placed(
    volume: MetaTensor, registration: Mapping[str, Any] | None, shape: tuple[int, ...], affine: np.ndarray
) -> np.ndarray | None:
    """Put a volume on the grid of the fused image, or return None where it is not known how."""
    own = Volume(np.asarray(volume.as_tensor(), dtype=np.float32), np.asarray(volume.affine, dtype=np.float64))
    matrix = np.asarray((registration or {}).get("matrix", np.eye(4)), dtype=np.float64)
    onto = Volume(np.empty(shape, dtype=np.float32), affine)
    if own.same_grid(onto) and _same(matrix, np.eye(4)):
        return own.values
    if registration is None or registration.get("why") == "the reference" or matrix.shape != (4, 4):
        return None
    return resample(own.values, own.affine, affine, shape, matrix).volume


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.allclose(one, other, rtol=1e-3, atol=1e-3)


def _other_grid(patient: str, file: str) -> BadInputError:
    return BadInputError(
        f"{patient}: the source {file} lies on another grid than the fused image. Give the sources that it was fused "
        "from by --sources_dir, or leave that out."
    )
