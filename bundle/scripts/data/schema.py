"""Check data against a JSON schema, and report mismatches in plain words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from .errors import BadInputError
from .safe_names import is_word, shown
from .strict_json import REMEDY, read_json

Schema = Mapping[str, Any]
"""JSON schema (draft 2020-12). `description` states what is expected and becomes part of the message."""

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("word")
def _is_word(value: Any) -> bool:
    """Whether a value can be part of a file name, see `safe_names`."""
    return is_word(value)


@_FORMATS.checks("file-name")
def _is_file_name(value: Any) -> bool:
    """Whether a value is the name of a file in the record's folder."""
    return (
        isinstance(value, str)
        and 0 < len(value.encode()) < 256
        and value.isprintable()
        and value not in (".", "..")
        and not set(value) & set("/\\")
    )


def _is_integer(_checker: Any, value: Any) -> bool:
    """Whether a value is an int. JSON schema accepts 2.0, which Python does not accept as an index."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
)


def check_schema(content: Any, schema: Schema, where: str | os.PathLike[str], remedy: str = REMEDY) -> Any:
    """Check that data fits a schema.

    Args:
        content: what was read with `strict_json`.
        schema: expected structure. Further keys are allowed unless the schema forbids them.
        where: origin of the data, for messages.
        remedy: what the user can do, for messages.

    Returns:
        `content`.

    Raises:
        BadInputError: it does not fit; the message names the key, the value and what was expected.
    """
    error = best_match(_validator(_Key(schema)).iter_errors(content))
    if error is not None:
        raise BadInputError(f"{where}{_in_words(error)}. {remedy}")
    return content


def read_record(path: str | os.PathLike[str], schema: Schema, remedy: str = REMEDY) -> Any:
    """Read a JSON file and check it against its schema.

    Raises:
        BadInputError: see `read_json` and `check_schema`.
    """
    return check_schema(read_json(path, remedy), schema, path, remedy)


class _Key:
    """Hash a schema by identity: schemas are constants, and dictionaries are not hashable."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.schema is self.schema


@cache
def _validator(key: _Key) -> Any:
    return _Validator(key.schema, format_checker=_FORMATS)


def _in_words(error: ValidationError) -> str:
    keys = "".join(f"[{key}]" if isinstance(key, int) else f".{shown(key)}" for key in error.absolute_path)
    place = f'"{keys.removeprefix(".")}"' if keys else ""
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f'{f": {place}" if place else ""} has no key "{missing}"'
    expected = error.schema.get("description") or shown(error.message, 100)
    return f"{f': {place} is' if place else ' holds'} {shown(repr(error.instance))}, expected {expected}"
