"""How image files of a patient are named: which modality, which patient, which person."""

from __future__ import annotations

import os
import re
from functools import cache

MODALITY_WORDS: dict[str, tuple[str, ...]] = {
    "t1gd": ("t1ce", "t1c", "t1gd"),
    "flair": ("flair", "t2f"),
    "t1": ("t1", "t1n"),
    "t2": ("t2", "t2w"),
    "seg": ("seg", "segm"),
}
"""Last word of a file name for each modality: BraTS 2018-2021 first, then BraTS 2023 and later."""

VOLUME_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""How the names of volumes end: NIfTI, and what is read by ITK."""

_NIFTI = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
_EXTENSION = re.compile(r"\.(nii(\.gz)?|nrrd|nhdr|mha|mhd)$", re.IGNORECASE)

_PERSON_PATTERNS = (
    # BraTS 2023+: BraTS-GLI-00005-001 is the second visit of person 00005
    re.compile(r"^(BraTS-[A-Za-z]+-\d{5})-\d{3}$"),
    # TCGA barcode with an optional date: TCGA_DU_7294_19890104, TCGA-DU-7294
    re.compile(r"^(TCGA[-_][A-Z0-9]{2}[-_][A-Z0-9]{4})(?:[-_]\d{8})?$"),
    # UPENN-GBM-00008_21 and UCSF-PDGM-0429_FU001d are follow-up visits
    re.compile(r"^(UPENN-GBM-\d{5})_\d{2}$"),
    re.compile(r"^(UCSF-PDGM-\d{4})_FU\w+$"),
    # BIDS: sub-01_ses-02
    re.compile(r"^(sub-[A-Za-z0-9]+)_ses-[A-Za-z0-9]+$"),
)


def is_nifti(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a NIfTI file (`.nii`, `.nii.gz`, any case) and not a hidden one.

    macOS leaves a `._name.nii.gz` beside each file on foreign disks; these are not images.
    """
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and _NIFTI.search(name) is not None


def is_volume(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a volume in any format that can be read (`VOLUME_ENDINGS`) and not a hidden one."""
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and _EXTENSION.search(name) is not None


def without_extension(path: str | os.PathLike[str]) -> str:
    """File name without folder and any of `VOLUME_ENDINGS`."""
    return _EXTENSION.sub("", os.path.basename(os.fspath(path)))


@cache
def _pattern(extra_words: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    modality_of = {word: name for name, words in MODALITY_WORDS.items() for word in words}
    modality_of.update({word.lower(): word for word in extra_words if word not in MODALITY_WORDS})
    words = "|".join(re.escape(word) for word in sorted(modality_of, key=len, reverse=True))
    return re.compile(rf"^(?:(.+)[_-])?({words})$", re.IGNORECASE), modality_of


def parse_name(path: str | os.PathLike[str], sources: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """Split a file name into patient and modality.

    Args:
        path: file name, with or without folder.
        sources: further modalities, each recognised by its own name.

    Returns:
        (patient, modality), for instance ("BraTS18_X", "t1gd") for `BraTS18_X_t1ce.nii.gz`; the
        patient is empty for a bare `t1ce.nii.gz`. None if the name says no known modality.
    """
    if not is_volume(path):
        return None
    pattern, modality_of = _pattern(tuple(sources))
    match = pattern.match(without_extension(path))
    if match is None:
        return None
    return match.group(1) or "", modality_of[match.group(2).lower()]


def expected_names(patient: str, modality: str) -> str:
    """The file names under which a modality is looked for, as text for a message."""
    stem = patient or "<patient>"
    words = MODALITY_WORDS.get(modality, (modality,))
    names = [f"{stem}_{words[0]}.nii.gz"]
    if len(words) > 1:
        names.append(f"{stem}-{words[1]}.nii.gz")
    return " or ".join(names)


def person_of(patient: str) -> str:
    """Name of the person behind a patient name that also holds a visit or a date.

    Two visits of one person must not be split over training and validation. Names of no known
    scheme are a person each.
    """
    for pattern in _PERSON_PATTERNS:
        match = pattern.match(patient)
        if match:
            return match.group(1).replace("_", "-")
    return patient
