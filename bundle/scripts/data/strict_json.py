"""Read JSON from untrusted sources, with a clear error for anything unexpected."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import BadInputError
from .safe_names import shown

SIZE_LIMIT = 256 * 2**20
"""Largest file in bytes; the scores of a large cohort are far smaller."""
DEPTH_LIMIT = 30
"""Deepest nesting of lists and objects."""
INTEGER_LIMIT = 2**63

REMEDY = "Correct the file or write it again."


def read_json(path: str | os.PathLike[str], remedy: str = REMEDY) -> Any:
    """Read a JSON file in UTF-8, with or without a byte order mark.

    Args:
        path: file.
        remedy: what the user can do, for messages. Defaults to `REMEDY`.

    Raises:
        BadInputError: the file is missing, unreadable or too large, or is not valid (see `parse_json`).
    """
    file = Path(path)
    try:
        if not file.exists():
            raise BadInputError(f"{path} does not exist. {remedy}")
        if not file.is_file():
            raise BadInputError(f"{path} is not a file. {remedy}")
        size = file.stat().st_size
        if size > SIZE_LIMIT:
            raise BadInputError(
                f"{path} has {size} bytes, more than the limit of {SIZE_LIMIT} for a JSON file. {remedy}"
            )
        content = file.read_bytes()
    except OSError as error:
        raise BadInputError(f"{shown(path, 200)} cannot be read ({error.strerror or error}). {remedy}") from error
    return parse_json(content, path, remedy)


def parse_json(text: str | bytes, where: str | os.PathLike[str], remedy: str = REMEDY) -> Any:
    """Parse JSON as defined by RFC 8259, with numbers that Python and NumPy can represent.

    Args:
        text: the JSON text, or its bytes in UTF-8.
        where: origin of the text, for messages.
        remedy: what the user can do, for messages. Defaults to `REMEDY`.

    Raises:
        BadInputError: the text is not UTF-8 or not JSON, holds NaN or infinite numbers, integers of more than 64 bits,
            a key twice, or lists and objects that are nested too deeply.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        content = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
        _check_values(content)
    except UnicodeDecodeError as error:
        raise BadInputError(f"{where} is not UTF-8 text ({error.reason}). {remedy}") from error
    except RecursionError as error:
        raise BadInputError(f"{where} is nested too deeply for a record. {remedy}") from error
    except ValueError as error:
        raise BadInputError(f"{where} cannot be read as JSON ({shown(error, 120)}). {remedy}") from error
    return content


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{shown(twice)}' occurs twice")
    return content


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(digits, 20)} is too large")
    return number


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= INTEGER_LIMIT:
        raise ValueError(f"the number {shown(digits, 20)} is too large")
    return int(digits)


def _check_values(content: Any) -> None:
    """Check depth and texts, without recursion."""
    level, depth = [content], 0
    while level:
        if depth > DEPTH_LIMIT:
            raise RecursionError
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str):
                value.encode()  # an unpaired surrogate cannot be encoded
        level, depth = below, depth + 1
