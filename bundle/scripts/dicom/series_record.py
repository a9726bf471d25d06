"""Check the record of a fused series before anything is computed or written from it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.safe_names import check_word, shown
from scripts.outputs.sidecar import check_sidecar

from .source_pixels import known_description

DIGESTS = "SliceSHA256"
"""Key of the record: beginnings of the checksums of the stored slices, in their order in space."""
REMEDY = "Fetch the series again, or give the JSON file that configs/study.json wrote with it by --sidecar."

_DIGEST, _CHECKPOINT, _FUSION = (re.compile(rf"[0-9a-f]{{{length}}}") for length in (16, 64, 12))


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
    record = check_sidecar(path, content)
    names = record["SourceModalities"]
    for name in names:
        check_word(name, "a source's name", str(path))
    _check(path, "SourceModalities", names, len(names) > 1 and len(set(names)) == len(names), "different names")
    for key, fits, expected in _RULES:
        _check(path, key, record.get(key), key in record and fits(record[key]), expected)
    shape, scale = record["Shape"], record["IntensityScale"]
    axis = scale["slice_axis"]
    _check(path, "slice_axis", axis, _is_axis(axis) and axis == record["SliceAxis"], 'the value of "SliceAxis"')
    _check(path, "mode", scale["mode"], scale["mode"] in ("slice", "volume"), "slice or volume")
    for key in ("offset", "factor"):
        numbers = [number for row in scale[key] for number in row]
        whole = all(_is_number(number) for number in numbers) and all(len(r) in (1, shape[axis]) for r in scale[key])
        _check(path, key, scale[key], whole, f"1 or {shape[axis]} finite numbers for each source")
    _check(path, "factor", scale["factor"], all(n >= 0 for row in scale["factor"] for n in row), "no negative number")
    _check(path, DIGESTS, record[DIGESTS], len(record[DIGESTS]) == shape[2], f"{shape[2]} checksums")
    described = record["SourceSeries"]
    _check(path, "SourceSeries", described, set(described) == set(names), f"descriptions of {', '.join(names)}")
    for name in names:
        _check(path, f"SourceSeries of {name}", described[name], _is_description(described[name]), "a description")
    return {**record, "SourceSeries": {name: known_description(described[name]) for name in names}}


def _check(path: str | os.PathLike[str], key: str, value: Any, fits: bool, expected: str) -> None:
    if not fits:
        raise BadInputError(f'{path}: "{key}" of its record is {shown(value)}, expected {expected}. {REMEDY}')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_axis(value: Any) -> bool:
    return type(value) is int and value in (0, 1, 2)


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(n) is int and 0 < n < 1 << 16 for n in value)


def _is_affine(value: Any) -> bool:
    rows = value if isinstance(value, list) and len(value) == 3 else [None]
    return all(isinstance(row, list) and len(row) == 4 and all(map(_is_number, row)) for row in rows)


def _is_description(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("Acquisition", {}), Mapping):
        return False
    slope, intercept = value.get("RescaleSlope"), value.get("RescaleIntercept")
    return isinstance(value.get("Signed"), bool) and _is_number(slope) and slope != 0 and _is_number(intercept)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("Shape", _is_shape, "three positive numbers"),
    ("Affine", _is_affine, "three rows of four finite numbers"),
    ("SliceAxis", _is_axis, "0, 1 or 2"),
    ("StoredDtype", lambda value: value == "uint16", "uint16"),
    ("CheckpointSHA256", _matches(_CHECKPOINT), "64 hexadecimal digits"),
    ("FusionID", _matches(_FUSION), "12 hexadecimal digits"),
    (DIGESTS, lambda value: isinstance(value, list) and all(map(_matches(_DIGEST), value)), "a list of checksums"),
    ("SourceSeries", lambda value: isinstance(value, Mapping), "an object"),
)
