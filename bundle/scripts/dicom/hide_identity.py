"""Take a patient's identity out of a text that leaves DICOM."""

from __future__ import annotations

import re

from pydicom import Dataset

HIDDEN = "[hidden]"
IDENTIFYING = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "OtherPatientNames",
    "OtherPatientIDs",
    "AccessionNumber",
    "ReferringPhysicianName",
    "InstitutionName",
    "StudyID",
]
"""Keywords of the header values that must not leave."""
_SHORTEST = 3


def hide_identity(text: str, header: Dataset) -> str:
    """Replace what identifies the patient, wherever it stands as a word of its own.

    Args:
        text: for instance a warning that quotes the name of a file.
        header: of an image of the patient.

    Returns:
        the text without it. Parts of less than three characters are left, for they identify nobody.
    """
    parts: set[str] = set()
    for name in IDENTIFYING:
        value = str(header.get(name, "") or "")
        parts |= {value, *re.split(r"[\s^=\\/,.\[\]']+", value)}
    # Longest first, so that nothing of a name is left of which a part was replaced before.
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST:
            text = re.sub(rf"(?<![^\W_]){re.escape(part)}(?![^\W_])", HIDDEN, text, flags=re.IGNORECASE)
    return text
