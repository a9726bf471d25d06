"""The text headers of NRRD and MetaImage, and whether the voxels that they announce are all there and undamaged.

ITK reads these formats, but it ignores units, and reads damaged compressed streams and too small sizes without a word.
"""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from scripts.data.errors import BadInputError

_LONGEST = 2**20
_BLOCK = 2**20
_SKIPS = ("line skip", "lineskip", "byte skip", "byteskip", "headersize")


@dataclass(frozen=True)
class TextHeader:
    """Header of a file.

    Attributes:
        path: the file.
        fields: values by their names in lower case.
        end: byte at which what follows the header begins.
    """

    path: Path
    fields: dict[str, str]
    end: int

    @property
    def is_nrrd(self) -> bool:
        """Whether it is NRRD, not MetaImage."""
        return self.path.suffix.lower() in (".nrrd", ".nhdr")


def read_text_header(path: str | os.PathLike[str]) -> TextHeader:
    """Read the fields of a header.

    Args:
        path: `.nrrd`, `.nhdr`, `.mha` or `.mhd` file.
    """
    header = TextHeader(Path(path), {}, 0)
    separator = ":" if header.is_nrrd else "="
    end = 0
    with open(path, "rb") as stream:
        for line in iter(lambda: stream.readline(_LONGEST), b""):
            end += len(line)
            name, found, value = line.decode("latin-1").partition(separator)
            if header.is_nrrd and not line.strip():
                break
            name = name.strip().lower()
            if found and not name.startswith("#"):
                header.fields[name] = value.strip()
            if end > _LONGEST or name == "elementdatafile":
                break
    return TextHeader(header.path, header.fields, end)


def check_whole(header: TextHeader, expected: int) -> None:
    """Read the voxels to the end of their stream, compare its checksum, and count them.

    Data that are spread over several files, written as text, or begin behind bytes to be skipped are left to ITK.

    Args:
        header: what `read_text_header` returns.
        expected: bytes of the voxels by the header.

    Raises:
        BadInputError: there are fewer or more, or a compressed stream is damaged.
    """
    fields = header.fields
    name = fields.get("data file", fields.get("datafile")) if header.is_nrrd else fields.get("elementdatafile")
    attached = name is None if header.is_nrrd else str(name).upper() == "LOCAL"
    data = header.path if attached else header.path.parent / str(name)
    if any(skip in fields for skip in _SKIPS) or not data.is_file():
        return
    if header.is_nrrd:
        encoding = fields.get("encoding", "raw").lower()
    else:
        encoding = "zlib" if fields.get("compresseddata", "false").lower() == "true" else "raw"
        encoding = "text" if fields.get("binarydata", "true").lower() == "false" else encoding
    start = header.end if attached else 0
    try:
        if encoding == "raw":
            found = data.stat().st_size - start
        elif encoding in ("gz", "gzip", "zlib"):
            with open(data, "rb") as stream:
                stream.seek(start)
                found = _unpacked_size(stream, expected)
        else:
            return
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(
            f"{data} cannot be read, it is truncated or damaged ({type(error).__name__}: {error}). Copy or download "
            "the file again."
        ) from error
    if found != expected:
        raise BadInputError(
            f"{data} cannot be read, it is truncated or damaged: its header states {expected:,} bytes of voxels, "
            f"{'more' if found > expected else f'{found:,}'} are there. Copy or download the file again."
        )


def _unpacked_size(stream: BinaryIO, most: int) -> int:
    """Bytes in a gzip or zlib stream; counting ends above `most`."""
    start = stream.tell()
    packed_by_gzip = stream.read(2) == b"\x1f\x8b"
    stream.seek(start)
    found = 0
    if packed_by_gzip:
        unpacked = gzip.GzipFile(fileobj=stream, mode="rb")
        while found <= most and (block := unpacked.read(_BLOCK)):
            found += len(block)
        return found
    unpack = zlib.decompressobj()
    while found <= most and not unpack.eof:
        packed = unpack.unconsumed_tail or stream.read(_BLOCK)
        if not packed:
            raise EOFError("the compressed stream ends early")
        found += len(unpack.decompress(packed, _BLOCK))
    return found
