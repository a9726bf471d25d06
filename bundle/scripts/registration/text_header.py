"""Read the text headers of NRRD and MetaImage, and check that the voxels are complete and undamaged.

ITK reads these formats but ignores units, and does not report damaged compressed streams or too small sizes.
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
        fields: values by field name in lower case.
        end: offset of the first byte after the header.
    """

    path: Path
    fields: dict[str, str]
    end: int

    @property
    def is_nrrd(self) -> bool:
        """Whether the file is NRRD rather than MetaImage."""
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
    """Read the voxels to the end of their stream, verify its checksum, and count them.

    Data in several files, in text form, or preceded by bytes to skip are left to ITK.

    Args:
        header: result of `read_text_header`.
        expected: size of the voxels in bytes by the header.

    Raises:
        BadInputError: the size differs, or a compressed stream is damaged.
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
            f"{data} cannot be read: it is truncated or damaged ({type(error).__name__}: {error}). Copy or download "
            "the file again."
        ) from error
    if found != expected:
        raise BadInputError(
            f"{data} is truncated or damaged: its header states {expected:,} bytes of voxels, but "
            f"{'more' if found > expected else f'{found:,}'} are present. Copy or download the file again."
        )


def _unpacked_size(stream: BinaryIO, most: int) -> int:
    """Return the unpacked size of a gzip or zlib stream in bytes; counting stops above `most`."""
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
