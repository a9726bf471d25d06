"""Read the description in an ONNX file without the package onnx."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError

from .description import from_properties

_METADATA_PROPS = 14
"""Number of the field in ONNX's ModelProto."""
_FIXED = {1: 8, 5: 4}
"""Bytes of the types of fixed size."""


def read_properties(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the description stored in an export, see `scripts.runtimes.description`.

    Args:
        path: ONNX file.

    Raises:
        BadInputError: the file is missing or not an ONNX file.
    """
    try:
        entries = [
            dict(_fields(entry)) for number, entry in _fields(Path(path).read_bytes()) if number == _METADATA_PROPS
        ]
        return from_properties({entry[1].decode("utf-8"): entry[2].decode("utf-8") for entry in entries})
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}). Export the network to ONNX first.") from error
    except (IndexError, KeyError, ValueError) as error:
        raise BadInputError(f"{path} is not an ONNX file, or is damaged. Export the network to ONNX again.") from error


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of the fields of a protocol buffer that have a length."""
    at = 0
    while at < len(content):
        key, at = _number(content, at)
        kind = key & 7
        if kind == 0:
            _, at = _number(content, at)
        elif kind in _FIXED:
            at += _FIXED[kind]
        elif kind == 2:
            length, at = _number(content, at)
            if at + length > len(content):
                raise ValueError("truncated")
            yield key >> 3, content[at : at + length]
            at += length
        else:
            raise ValueError(f"unknown type {kind}")


def _number(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
