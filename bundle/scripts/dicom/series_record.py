"""Check the record of a fused series before it is used."""

from __future__ import annotations

import os
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.safe_names import shown
from scripts.data.schema import check_schema
from scripts.outputs.sidecar import check_sidecar

from .source_pixels import known_description

DIGESTS = "SliceSHA256"
"""Key of the record: beginnings of the checksums of the stored slices, in their order in space."""
REMEDY = "Fetch the series again, or give the JSON file that configs/study.json wrote with it by --sidecar."

_NUMBER = {"type": "number", "minimum": -1e30, "maximum": 1e30, "description": "a finite number"}
_DESCRIPTION = {
    "type": "object",
    "description": "a description",
    "required": ["Signed", "RescaleSlope", "RescaleIntercept"],
    "properties": {
        "Acquisition": {"type": "object", "description": "an object"},
        "Signed": {"type": "boolean", "description": "true or false"},
        "RescaleSlope": {**_NUMBER, "not": {"const": 0}, "description": "a finite number other than 0"},
        "RescaleIntercept": _NUMBER,
    },
}
_RECORD = {
    "type": "object",
    "description": "a JSON object",
    "required": ["Shape", "Affine", "FusionID", DIGESTS, "SourceSeries"],
    "properties": {
        "SourceModalities": {"minItems": 2, "description": "two or more names"},
        "StoredDtype": {"const": "uint16", "description": "uint16"},
        DIGESTS: {
            "type": "array",
            "items": {"type": "string", "pattern": r"^[0-9a-f]{16}\Z", "description": "16 hexadecimal digits"},
            "description": "a list of checksums",
        },
        "SourceSeries": {"type": "object", "description": "an object", "additionalProperties": _DESCRIPTION},
    },
}
"""What the record of a series needs beyond a sidecar's."""


def check_series_record(path: str | os.PathLike[str], content: Any) -> dict[str, Any]:
    """Check that a record is one that was written with a fused series: types, sizes, names and ranges.

    Args:
        path: where it was read, for messages.
        content: what was read.

    Returns:
        a copy, in which the descriptions of the sources hold nothing but known terms, see `known_description`.

    Raises:
        BadInputError: a key is missing or its value is impossible.
    """
    record = check_schema(check_sidecar(path, content), _RECORD, path, REMEDY)
    names, described = record["SourceModalities"], record["SourceSeries"]
    slices = record["Shape"][2]
    if len(record[DIGESTS]) != slices:
        raise BadInputError(f'{path}: "{DIGESTS}" has {len(record[DIGESTS])} checksums, expected {slices}. {REMEDY}')
    if set(described) != set(names):
        raise BadInputError(
            f'{path}: "SourceSeries" is {shown(described)}, expected descriptions of {", ".join(names)}. {REMEDY}'
        )
    return {**record, "SourceSeries": {name: known_description(described[name]) for name in names}}
