from __future__ import annotations

import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.hidden import short_uid

from .choose import choose_series, wished_uid
from .contrast import tell_contrast
from .hide_identity import hide_identity_of
from .packages import require
from .read_file import read_dataset
from .scan import Scan, scan_folder
from .segmentation_files import find_segmentations
from .series import Series
from .stored import patient_of_study

logger = logging.getLogger(__name__)

PATIENT_NAMES = ("pseudonym", "id")
_SINGLE = 3
"""Images from which on a series is one of its own, not slices that were lost from another."""


def find_studies(
    dataset_dir: str | os.PathLike[str],
    sources: Sequence[str] = ("t1gd", "flair"),
    named: Mapping[str, Any] | None = None,
    patient_names: str = "pseudonym",
) -> list[dict[str, Any]]:
    """Find the studies in a folder that hold the sources; ignore other files.

    Args:
        dataset_dir: folder of DICOM files, nested and mixed as they may be.
        sources: series to look for. Defaults to ("t1gd", "flair").
        named: series by source as the user named them, see `choose_series`. Where a series UID is among them, only the
            study that holds it is looked at. Defaults to None (all are recognised from their headers).
        patient_names: "pseudonym" names a study by a hash of its UID, "id" by the patient's id. Defaults to
            "pseudonym".

    Returns:
        a record for each study that holds one of the sources at least, sorted by name: "patient", "series" ({source:
        Choice}), "segmentations" (their series) and "warnings"; or "patient" and "problem" where a source is missing or
        ambiguous.

    Raises:
        BadInputError: the folder does not exist or holds no MR study.
    """
    require("pydicom")
    if patient_names not in PATIENT_NAMES:
        raise BadInputError(f"patient_names is {patient_names}, expected one of {', '.join(PATIENT_NAMES)}.")
    scan = scan_folder(dataset_dir)
    hide_identity_of(scan, dataset_dir, shown=("PatientID",) if patient_names == "id" else ())
    for path, reason in scan.ignored.items():
        logger.log(logging.WARNING if path in scan.damaged else logging.DEBUG, "left out %s: %s", path, reason)
    _log_summary(scan)
    segmentations = find_segmentations(scan)
    studies: dict[str, list[Series]] = defaultdict(list)
    for series in scan.series:
        studies[series.study_uid].append(series)
    named = {source: wish for source, wish in (named or {}).items() if wish not in (None, "")}
    _check_named(named, sources)
    uids = [uid for wish in named.values() if (uid := wished_uid(wish))]
    if uids:
        studies = {study: group for study, group in studies.items() if {*_uids(group)} & set(uids)}
    records, without = [], []
    for study, group in studies.items():
        patient = _patient(study, group, patient_names)
        try:
            choices = choose_series(group, sources, named)
        except BadInputError as error:
            if named or any(tell_contrast(one.facts).kind in sources for one in group):
                records.append({"patient": patient, "problem": f"{patient}: {error}"})
            else:
                without.append(patient)
            continue
        records.append(
            {
                "patient": patient,
                "series": choices,
                "segmentations": [
                    one for one in segmentations if (one.study_uid, one.patient_key) == (study, group[0].patient_key)
                ],
                "warnings": [*_damaged_beside(scan, choices), *_strays(scan, choices)],
            }
        )
    if not records:
        raise BadInputError(_nothing(Path(dataset_dir), scan, sources, uids))
    for patient in without:
        logger.info("left out %s: it holds none of %s", patient, ", ".join(sources))
    return sorted(_told_apart(records, patient_names), key=lambda record: record["patient"])


def _log_summary(scan: Scan) -> None:
    """Log the files that were left out in one line, and each remark of pydicom."""
    known = {*scan.damaged, *scan.segmentations}
    reasons = Counter(reason for path, reason in scan.ignored.items() if path not in known)
    if reasons:
        told = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        logger.info("left out files without images: %s", told)
    for text, paths in scan.remarks.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        logger.info("pydicom remarks on %s%s: %s", paths[0].name, more, text)


def _uids(group: Sequence[Series]) -> Iterator[str]:
    """Give the UID of each series, and what messages show for it."""
    for one in group:
        yield from (one.uid, short_uid(one.uid))


def _check_named(named: Mapping[str, Any], sources: Sequence[str]) -> None:
    unknown = [source for source in named if source not in sources]
    if unknown:
        raise BadInputError(
            f"a series is named for {', '.join(unknown)}, but the sources are {', '.join(sources)}. Leave it out, or "
            "change --sources."
        )


def _patient(study: str, group: Sequence[Series], patient_names: str) -> str:
    if patient_names == "pseudonym":
        return patient_of_study(study)
    header = read_dataset(group[0].files[0], pixels=False, keywords=["SOPClassUID", "PatientID"])
    name = str(header.get("PatientID", ""))
    return re.sub(r"[^\w-]+", "_", name).strip("_-") or patient_of_study(study)


def _told_apart(records: list[dict[str, Any]], patient_names: str) -> list[dict[str, Any]]:
    """Make ids unique, so that studies do not overwrite each other's results."""
    if patient_names == "pseudonym":
        return records
    seen: dict[str, int] = defaultdict(int)
    for record in records:
        seen[record["patient"].casefold()] += 1
        count = seen[record["patient"].casefold()]
        if count > 1:
            record["patient"] += f"_{count}"
    return records


def _damaged_beside(scan: Scan, choices: Mapping[str, Any]) -> list[str]:
    """Damaged files among those of a chosen series may be slices of it."""
    warnings = []
    for source, choice in choices.items():
        folders = {path.parent for path in choice.series.files}
        damaged = [path.name for path in scan.damaged if path.parent in folders]
        if damaged:
            shown = ", ".join(damaged[:3]) + (f" and {len(damaged) - 3} more" if len(damaged) > 3 else "")
            warnings.append(
                f"{shown} next to the {source} series cannot be read as DICOM: slices at an end of it may be missing"
            )
    return warnings


def _strays(scan: Scan, choices: Mapping[str, Any]) -> list[str]:
    """Single images with the number and name, or the UID, of a chosen series, but not in it, may be slices of it."""
    warnings = []
    for source, choice in choices.items():
        chosen = choice.series
        folders = {path.parent for path in chosen.files}
        strays = [
            one
            for one in scan.series
            if one.facts.instances < _SINGLE
            and (one.study_uid, one.patient_key, one.uid) != (chosen.study_uid, chosen.patient_key, chosen.uid)
            and (one.uid == chosen.uid or _name(one) == _name(chosen))
            and {path.parent for path in one.files} & folders
        ]
        if strays:
            warnings.append(
                f"{sum(one.facts.instances for one in strays)} images next to the {source} series have its number and "
                "name, but other UIDs: slices of it may be missing"
            )
    return warnings


def _name(series: Series) -> tuple[int | None, str]:
    return series.facts.number, series.facts.description


def _nothing(folder: Path, scan: Scan, sources: Sequence[str], uids: Sequence[str]) -> str:
    if uids and scan.series:
        return f"no series in {folder} has the UID {' or '.join(uids)}. Give one of a series in that folder."
    if not scan.series:
        damaged = f", {len(scan.damaged)} of them damaged DICOM" if scan.damaged else ""
        return (
            f"no DICOM series in {folder} ({len(scan.ignored)} other files{damaged}). Give the folder of a study; for "
            "NIfTI files use fusioninn fuse or fusioninn unregistered."
        )
    lines = [f"- {one.label}: {'; '.join(tell_contrast(one.facts).reasons)} [{one.uid}]" for one in scan.series[:20]]
    return "\n".join(
        [
            f"none of {', '.join(sources)} is among the {len(scan.series)} series in {folder}. Name them by "
            f"{' and '.join(f'--{source}' for source in sources)} with UID, number or a pattern of the description:",
            *lines,
        ]
    )
