"""Parse names of image files: modality, patient and person."""

from __future__ import annotations

import os
import re

from .bids_name import read_bids_name
from .contrasts import AUTOMATIC_SEG, SEG, bids_ending, read_words, words_of

VOLUME_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Endings of volumes' names: NIfTI, and formats read by ITK."""

_NIFTI = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
# Some programs write `.nii.nii.gz`.
_EXTENSION = re.compile(r"((\.nii)+(\.gz)?|\.(nrrd|nhdr|mha|mhd))$", re.IGNORECASE)

_VISIT = (
    r"(?:week|visit|session|timepoint|tp|followup|fu|day|month|year)[-_]?\d[\d-]*[a-z]?"
    r"|baseline|pre(?:op)?|post(?:op)?"
)
_PERSON_PATTERNS = (
    # BraTS 2023+: BraTS-GLI-00005-001 is the second visit of person 00005
    re.compile(r"^(BraTS-[A-Za-z]+-\d{5})-\d{3}$"),
    # BraTS 2013-2015: brats_tcia_pat101_0002 is the second visit of person 101
    re.compile(r"^(brats_[A-Za-z0-9]+_pat\d+)_\d+$"),
    # TCGA barcode with an optional date: TCGA_DU_7294_19890104, TCGA-DU-7294
    re.compile(r"^(TCGA[-_][A-Z0-9]{2}[-_][A-Z0-9]{4})(?:[-_]\d{8})?$"),
    # UPENN-GBM-00008_21, UCSF-PDGM-0429_FU001d and RHUH-0001_2 are later visits
    re.compile(r"^(UPENN-GBM-\d{5})_\d{2}$"),
    re.compile(r"^(UCSF-PDGM-\d{4})_FU\w+$"),
    re.compile(r"^(RHUH-\d{4})_\d+$"),
    # BIDS: sub-01_ses-02; names made of folders: Subject_001_ses-0
    re.compile(r"^(.+)_ses-[A-Za-z0-9-]+$"),
    # Patient-001_week-000-1 of LUMIERE, P1_visit2, P1_baseline
    re.compile(rf"^(.+)[_-](?:{_VISIT})$", re.IGNORECASE),
)
_VISIT_FOLDER = re.compile(rf"^(?:ses-[A-Za-z0-9-]+|{_VISIT})$", re.IGNORECASE)
_PERHAPS_VISIT = re.compile(r"^(?:(?:scan|exam|study)[-_]?)?\d+(?:[-_.]\d+)*$", re.IGNORECASE)


def is_nifti(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a NIfTI file (`.nii`, `.nii.gz`, any case) that is not hidden.

    macOS writes a hidden `._name.nii.gz` next to each file on external disks; these are not images.
    """
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and _NIFTI.search(name) is not None


def is_volume(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a volume in a readable format (`VOLUME_ENDINGS`) that is not hidden."""
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and _EXTENSION.search(name) is not None


def without_extension(path: str | os.PathLike[str]) -> str:
    """Return the file name without folder and without `VOLUME_ENDINGS`."""
    return _EXTENSION.sub("", os.path.basename(os.fspath(path)))


def parse_name(path: str | os.PathLike[str], sources: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """Split a file name into patient and modality.

    Args:
        path: file name, with or without folder.
        sources: further modalities, each recognised by its own name.

    Returns:
        (patient, modality), for instance ("BraTS18_X", "t1gd") for `BraTS18_X_t1ce.nii.gz` or ("sub-01", "t1gd") for
        `sub-01_ce-gadolinium_T1w.nii.gz`; the patient is empty for a bare `t1ce.nii.gz`. None if the name contains no
        known modality.
    """
    if not is_volume(path):
        return None
    stem = without_extension(path)
    bids = read_bids_name(stem, tuple(sources))
    if bids is not None:
        return (bids.patient, bids.contrast) if bids.contrast else None
    words = read_words(stem, tuple(sources))
    if words is None:
        return None
    return words.patient, SEG if words.contrast == AUTOMATIC_SEG else words.contrast


def expected_names(patient: str, modality: str) -> str:
    """Return the file names expected for a modality, as text for a message."""
    stem = patient or "<patient>"
    words = words_of(modality)
    names = [f"{stem}_{words[0]}.nii.gz"]
    if stem.startswith("sub-"):
        bids = bids_ending(modality)
        names = [f"{stem}_{bids}.nii.gz", *(names if bids.lower() != words[0] else ())]
    elif len(words) > 1:
        names.append(f"{stem}-{words[1]}.nii.gz")
    return " or ".join(names)


def person_of(patient: str) -> str:
    """Return the person of a patient name, without visit or date.

    Two visits of one person must not be split between training and validation. A name of an unknown scheme is a person
    of its own.
    """
    for pattern in _PERSON_PATTERNS:
        match = pattern.match(patient)
        if match:
            return match.group(1).replace("_", "-")
    return patient


def is_visit(folder: str) -> bool:
    """Whether a folder is named after a visit: `ses-2`, `week-000-1`, `baseline`."""
    return _VISIT_FOLDER.match(folder) is not None


def may_be_visit(folder: str) -> bool:
    """Whether a folder's name may be that of a visit or of a patient: `0`, `2019-04-01`, `scan2`."""
    return _PERHAPS_VISIT.match(folder) is not None


def visit_name(person: str, visit: str) -> str:
    """Name a patient by person and visit, so that `person_of` returns the person: `P1_week-2`, `P1_ses-0`."""
    return f"{person}_{visit}" if is_visit(visit) else f"{person}_ses-{visit}"


def is_phantom(patient: str) -> bool:
    """Whether a patient is the synthetic head of the bundle, by name."""
    return "phantom" in patient.lower()
