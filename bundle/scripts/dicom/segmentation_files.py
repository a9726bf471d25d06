"""Find the segmentations (DICOM SEG) of a study, and choose among them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom import Dataset

from scripts.data.errors import BadInputError

from .choose import finds
from .read_file import read_dataset
from .scan import Scan
from .series import Series, facts_of, patient_key

logger = logging.getLogger(__name__)

AUTO, NONE = "auto", "none"
_KEYWORDS = (
    *("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientName", "PatientBirthDate"),
    *("SpecificCharacterSet", "SeriesNumber", "SeriesDescription", "Modality"),
)


def find_segmentations(scan: Scan) -> list[Series]:
    """Group the segmentations of a folder by study, patient and series.

    Args:
        scan: what the folder holds.

    Returns:
        the series, sorted by study and number; a file whose header cannot be read is left out with a warning.
    """
    groups: dict[tuple[str, str, str], list[tuple[Path, Dataset]]] = defaultdict(list)
    for path in scan.segmentations:
        try:
            header = read_dataset(path, pixels=False, keywords=_KEYWORDS)
            key = (str(header.StudyInstanceUID), patient_key(header), str(header.SeriesInstanceUID))
        except (BadInputError, AttributeError) as error:
            logger.warning("left out the segmentation %s: %s", path, error)
            continue
        groups[key].append((path, header))
    found = [
        Series(
            uid=uid,
            study_uid=study,
            files=tuple(path for path, _ in group),
            facts=facts_of(group[0][1], instances=len(group), directions=1, ours=False),
            patient_key=patient,
        )
        for (study, patient, uid), group in groups.items()
    ]
    return sorted(found, key=lambda one: (one.study_uid, one.facts.number or 0, one.uid))


def is_auto(wish: Any) -> bool:
    """Whether a user leaves the choice to us: "auto" or true. The number 1 is that of a series."""
    return _word(wish) in (AUTO, "true")


def choose_segmentations(found: Sequence[Series], wish: Any = AUTO) -> list[Series]:
    """Choose segmentations as the user named them.

    Args:
        found: of one study.
        wish: "auto" for all, "none" or False for none, or the series UID, the series number or a pattern of the
            description, see `scripts.dicom.choose.finds`; or a list of those.

    Raises:
        BadInputError: none is what the user named; the message lists those that are there.
    """
    if is_auto(wish):
        return list(found)
    if _word(wish) in (NONE, "false", ""):
        return []
    chosen: list[Series] = []
    for name in [wish] if isinstance(wish, str | int | float) else wish:
        matching = [one for one in found if finds(one, str(name))]
        if not matching:
            listed = "\n".join(f"- {one.label} [{one.uid}]" for one in found) or "- none"
            raise BadInputError(
                f'no segmentation (DICOM SEG) of the study is "{name}", which was given by --segmentation. The '
                f"study's segmentations:\n{listed}"
            )
        chosen += [one for one in matching if one not in chosen]
    return chosen


def _word(wish: Any) -> str:
    """Return a wish as a word, in lower case; numbers and lists are none."""
    return str(wish).strip().casefold() if wish is None or isinstance(wish, str | bool) else "a series"
