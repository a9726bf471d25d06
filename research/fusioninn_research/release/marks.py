"""The mark of weights, and how a picture carries it."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from PIL import Image

from scripts.data.errors import BadInputError
from scripts.networks.weights import fingerprint
from scripts.outputs.writing import result_file

LENGTH = 12
"""Hexadecimal digits of the weights' SHA-256 in a mark."""
CHUNK = "FusionINN weights"
"""Name of the PNG text chunk with the mark."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = len(_SIGNATURE) + 25
"""Where the header chunk, always the first one, ends."""


def mark_of(weights: str | os.PathLike[str]) -> str:
    """Return the mark of a file of weights.

    Raises:
        BadInputError: the file is missing.
    """
    if not Path(weights).is_file():
        raise BadInputError(f"No weights at {weights}. Put the new model.pt there, then release.")
    return str(fingerprint(weights))[:LENGTH]


def mark_of_picture(path: str | os.PathLike[str]) -> str | None:
    """Return the mark that a picture carries; None for a picture without one, or that is not there."""
    if not Path(path).is_file():
        return None
    with Image.open(path, formats=["PNG"]) as image:
        image.load()
        return image.text.get(CHUNK)


def write_marked(source: str | os.PathLike[str], target: str | os.PathLike[str], mark: str) -> None:
    """Copy a PNG with a mark in it; pixels and other texts stay as they are, byte by byte.

    Args:
        source: the picture.
        target: where the copy goes; may be the same file.
        mark: see `mark_of`.

    Raises:
        BadInputError: the picture is missing or not a PNG, or the copy cannot be written.
    """
    path = Path(source)
    data = path.read_bytes() if path.is_file() else b""
    if not data.startswith(_SIGNATURE):
        raise BadInputError(f"{path} is missing or not a PNG. Run the step that draws it again.")
    chunk = _chunk(b"tEXt", CHUNK.encode("latin-1") + b"\0" + mark.encode("latin-1"))
    with result_file(target, suffix=".png") as temporary:
        Path(temporary).write_bytes(data[:_HEADER_END] + chunk + _without_mark(data[_HEADER_END:]))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _without_mark(chunks: bytes) -> bytes:
    """Drop an earlier mark from the chunks behind the header."""
    kept, position = [], 0
    while position < len(chunks):
        length = struct.unpack(">I", chunks[position : position + 4])[0]
        whole = chunks[position : position + 12 + length]
        if not whole[4:].startswith(b"tEXt" + CHUNK.encode("latin-1") + b"\0"):
            kept.append(whole)
        position += 12 + length
    return b"".join(kept)
