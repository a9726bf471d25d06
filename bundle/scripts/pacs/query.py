"""Describe the studies to fetch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydicom import Dataset

from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json

KEYWORDS = {
    "study_uid": "StudyInstanceUID",
    "patient_id": "PatientID",
    "accession": "AccessionNumber",
    "study_date": "StudyDate",
}
"""DICOM keyword of each key of a query."""

UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def study_filters(**query: str | int | None) -> dict[str, str]:
    """Check a query and translate it to DICOM keywords.

    Args:
        query: values of the keys of `KEYWORDS`; None for those that are not asked for. Numbers are as a command line
            gives identifiers of digits.

    Returns:
        value of each DICOM keyword that is asked for.

    Raises:
        BadInputError: nothing is asked for, a key is unknown, or a value cannot be meant.
    """
    unknown = set(query) - set(KEYWORDS)
    if unknown:
        raise BadInputError(f"{', '.join(sorted(unknown))}: unknown; a study is found by {', '.join(KEYWORDS)}.")
    filters = {KEYWORDS[key]: _text(key, value) for key, value in query.items() if value not in (None, "")}
    if not filters:
        raise BadInputError(f"No study is named. Give at least one of --{', --'.join(KEYWORDS)}, or --query_file.")
    if not UID.fullmatch(filters.get("StudyInstanceUID", "0")):
        raise BadInputError("--study_uid is not a UID, expected digits and dots as in 1.2.840.113619.2.1.")
    if "StudyDate" in filters:
        _days(filters["StudyDate"])
    return filters


def answers(filters: Mapping[str, str], found: Dataset) -> bool:
    """Return whether a study matches the query exactly.

    Archives match as they see fit: some ignore case, some ignore a key that they do not know.
    """
    for keyword, wanted in filters.items():
        value = str(found.get(keyword, "") or "").strip()
        if keyword == "StudyDate":
            first, last = _days(wanted)
            if not first <= value.replace("-", "") <= last:
                return False
        elif value != wanted:
            return False
    return True


def read_query(path: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Read a query from a JSON file, which keeps identifiers out of command lines and logs.

    Args:
        path: file with an object of keys of `KEYWORDS`, or None.

    Returns:
        the query, empty without a file.

    Raises:
        BadInputError: it cannot be read or is not a JSON object.
    """
    if path is None:
        return {}
    query = read_json(Path(path).expanduser(), "Check --query_file.")
    if not isinstance(query, dict):
        raise BadInputError(f'{path} must hold an object such as {{"patient_id": "…"}}.')
    return query


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadInputError(f"--{key} was read as the number {value}. Quote it twice (\"'…'\"), or use --query_file.")
    text = str(value).strip()
    if not text or re.search(r"[*?\\]", text):
        raise BadInputError(f"--{key} must name one value exactly: it is empty or holds one of * ? \\.")
    return text


def _days(text: str) -> tuple[str, str]:
    """Split a date or a range of dates into its first and last day."""
    first, _, last = text.partition("-")
    days = (first, last or first)
    try:
        parsed = [datetime.strptime(day, "%Y%m%d") for day in days]
    except ValueError as error:
        raise BadInputError(
            "--study_date must be YYYYMMDD or YYYYMMDD-YYYYMMDD, with the day first that comes first."
        ) from error
    if any(len(day) != 8 for day in days) or parsed[0] > parsed[1]:
        raise BadInputError("--study_date must be YYYYMMDD or YYYYMMDD-YYYYMMDD, with the day first that comes first.")
    return days
