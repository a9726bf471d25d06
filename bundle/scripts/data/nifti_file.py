"""Open NIfTI files after checking format, size and completeness."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling

from .coordinates import Coordinates, nifti_coordinates
from .errors import BadInputError
from .naming import is_nifti

MOST_VOXELS = 2**30
"""Largest volume that is read: 1024 x 1024 x 1024 voxels, about a hundred times a head."""

_GZIP = b"\x1f\x8b"
_DEFLATE_LIMIT = 1032
"""Largest compression ratio of gzip."""
_HEADERS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
_LONGEST_HEADER = 540


@dataclass(frozen=True, eq=False)
class NiftiFile:
    """Content of a NIfTI file.

    Attributes:
        path: where it was read.
        stored: stored numbers, in the file's shape and type, read-only; the scale factor is not applied.
        slope: scale factor of the header, 1 if it has none.
        intercept: offset added to the scaled values, 0 if the header has none.
        coordinates: voxel coordinates.
    """

    path: str
    stored: np.ndarray
    slope: float
    intercept: float
    coordinates: Coordinates

    @property
    def plain_integer(self) -> np.dtype | None:
        """Type in the file if that is an integer without scale factor, in the machine's byte order, else None."""
        return _plain_integer(self.stored.dtype, self.slope, self.intercept)

    def values(self) -> np.ndarray:
        """Return the grey values in float32, with the scale factor applied."""
        scaled = apply_read_scaling(self.stored, np.float64(self.slope), np.float64(self.intercept))
        return np.require(scaled, np.float32, ("C", "W"))


@dataclass(frozen=True, eq=False)
class _Header:
    fields: nib.Nifti1Header
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float

    @property
    def end(self) -> int:
        """Size of the whole unpacked file in bytes."""
        return self.offset + self.voxels * self.dtype.itemsize

    @property
    def voxels(self) -> int:
        return int(np.prod(self.shape, dtype=object))


def open_nifti(path: str | os.PathLike[str]) -> NiftiFile:
    """Read a complete NIfTI file of grey values.

    The header is checked before memory is allocated. Incomplete files raise an error: a compressed stream is read to
    its end and its checksum compared, which nibabel does not do, and the length must match the header.

    Args:
        path: `.nii` or `.nii.gz` file.

    Raises:
        BadInputError: the file is missing, empty, damaged, too large, in another format, or contains colours or complex
            numbers.
    """
    file = os.fspath(path)
    with _opened(file) as (stream, size, compressed):
        start = stream.read(_LONGEST_HEADER)
        header = _judged(_parsed(start, file), file, size, compressed)
        content = start + stream.read(max(0, header.end - len(start)))
        surplus = len(content) > header.end or stream.read(1)
    if len(content) < header.end:
        raise BadInputError(_damaged(file, f"its header states {header.end} bytes, but {len(content)} are present"))
    if surplus:
        raise BadInputError(
            f"{file} holds more than the {header.end} bytes that its header states, so one of them is wrong. "
            "Download the file again, or write it again with the program that made it."
        )
    stored = np.frombuffer(content, header.dtype, offset=header.offset).reshape(header.shape, order="F")
    coordinates = nifti_coordinates(header.fields, header.shape, file)
    return NiftiFile(file, stored, header.slope, header.intercept, coordinates)


def read_coordinates(path: str | os.PathLike[str]) -> Coordinates:
    """Read the coordinates of a volume from its header alone.

    Args:
        path: NIfTI file of any name, compressed or not.

    Raises:
        BadInputError: the header cannot be read.
    """
    header = _header_of(os.fspath(path))
    return nifti_coordinates(header.fields, header.shape, os.fspath(path))


def plain_integer(path: str | os.PathLike[str]) -> np.dtype | None:
    """Return the type of a file's voxels if that is an integer without scale factor, else None.

    Args:
        path: NIfTI file.

    Raises:
        BadInputError: the header cannot be read.
    """
    header = _header_of(os.fspath(path))
    return _plain_integer(header.dtype, header.slope, header.intercept)


def check_kind(start: bytes, file: str) -> None:
    """Raise if the first bytes show that a file is not an image.

    Args:
        start: first bytes of the file.
        file: name for messages.

    Raises:
        BadInputError: it is empty, a Git LFS pointer or a web page.
    """
    if not start:
        raise BadInputError(f"{file} is empty (0 bytes). Copy or download the file again.")
    if start.startswith(b"version https://git-lfs"):
        raise BadInputError(
            f"{file} is a Git LFS pointer, not the image itself. Fetch the image in its repository with git lfs pull."
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadInputError(
            f"{file} is a web page, not an image: the download was answered with a page, perhaps for signing in. "
            "Download the file again, and open the page to see what it says."
        )


def check_size(file: str, shape: tuple[int, ...], itemsize: int) -> None:
    """Raise if a volume is too large, before memory is allocated.

    Args:
        file: name for messages.
        shape: its size.
        itemsize: bytes of a voxel in the file.

    Raises:
        BadInputError: it has more than `MOST_VOXELS` voxels, or more than the machine has memory for.
    """
    voxels = int(np.prod(shape, dtype=object))
    size = " x ".join(map(str, shape))
    if voxels > MOST_VOXELS:
        raise BadInputError(
            f"{file} has {size} voxels by its header, more than the limit of {MOST_VOXELS:,}. Crop or resample "
            "the volume, or correct the header."
        )
    known = "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {})
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if known else None
    needed = voxels * (itemsize + 4)
    if memory is not None and needed > memory:
        raise BadInputError(
            f"{file} has {size} voxels by its header, which need {needed / 2**30:.1f} GB of memory; this machine has "
            f"{memory / 2**30:.1f} GB. Crop or resample the volume, or use a larger machine."
        )


def _header_of(file: str) -> _Header:
    with _opened(file, by_name=False) as (stream, _, _):
        return _parsed(stream.read(_LONGEST_HEADER), file)


@contextmanager
def _opened(file: str, by_name: bool = True) -> Iterator[tuple[BinaryIO, int, bool]]:
    """Yield the unpacked stream of a file, its size on disk, and whether it is compressed."""
    if not os.path.exists(file):
        raise BadInputError(f"{file} does not exist. Give the path of an existing NIfTI file.")
    if os.path.isdir(file):
        raise BadInputError(f"{file} is a folder, expected a NIfTI file (.nii or .nii.gz).")
    if by_name and not is_nifti(file):
        raise BadInputError(
            f"{file} has an unsupported extension, expected .nii or .nii.gz. Convert the image "
            "first (for DICOM: dcm2niix)."
        )
    try:
        with open(file, "rb") as raw:
            start = raw.read(_LONGEST_HEADER)
            raw.seek(0)
            check_kind(start, file)
            compressed = start.startswith(_GZIP)
            if by_name:
                _check_name(file, start, compressed)
            stream = gzip.GzipFile(fileobj=raw, mode="rb") if compressed else raw
            yield stream, os.fstat(raw.fileno()).st_size, compressed
    except PermissionError as error:
        raise BadInputError(f"{file} cannot be read: permission denied. Change its permissions.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(_damaged(file, f"{type(error).__name__}: {error}")) from error


def _check_name(file: str, start: bytes, compressed: bool) -> None:
    named = file.lower().endswith(".gz")
    if compressed and not named:
        raise BadInputError(f"{file} is compressed by gzip, but its name lacks .gz. Rename it to {file}.gz.")
    if named and not compressed and _header_size(start) is not None:
        raise BadInputError(f"{file} is not compressed, but its name ends in .gz. Rename it to {file[:-3]}.")


def _header_size(start: bytes) -> int | None:
    sizes = {int.from_bytes(start[:4], order) for order in ("little", "big")}
    return next((size for size in _HEADERS if size in sizes), None)


def _parsed(start: bytes, file: str) -> _Header:
    length = _header_size(start)
    if length is None or len(start) < length:
        raise BadInputError(_damaged(file, "it does not begin with a NIfTI header"))
    # Unchecked: nibabel would correct contradictions and only log them.
    fields = _HEADERS[length](start[:length], check=False)
    magic = bytes(fields["magic"].item())[:3]
    if magic not in (b"n+1", b"n+2"):
        kind = "the header of a pair of files (.hdr and .img)" if magic in (b"ni1", b"ni2") else "another format"
        raise BadInputError(
            f"{file} cannot be read as NIfTI: its magic {magic!r} is that of {kind}. Convert it to a single .nii file, "
            "or download the file again."
        )
    dimensions = int(fields["dim"][0])
    if not 1 <= dimensions <= 7 or (fields["dim"][1 : dimensions + 1] < 0).any():
        raise BadInputError(_damaged(file, f"its header has the dimensions {fields['dim'].tolist()}"))
    shape = tuple(int(size) for size in fields["dim"][1 : dimensions + 1])
    offset = float(fields["vox_offset"])
    if not offset.is_integer() or offset < length + 4:
        raise BadInputError(_damaged(file, f"its voxels begin at byte {offset:g} by the header"))
    try:
        dtype = fields.get_data_dtype()
        slope, intercept = fields.get_slope_inter()
    except (HeaderDataError, KeyError) as error:  # nibabel raises KeyError for some unknown types
        raise BadInputError(_damaged(file, f"its header is invalid: {error}")) from error
    if dtype.kind not in "iuf":
        raise BadInputError(
            f"{file} holds voxels of type {dtype}, expected one grey value each. Convert "
            "colour to grey, or complex numbers to their magnitude."
        )
    if slope is None:
        slope, intercept = 1.0, 0.0
    return _Header(fields, shape, dtype, int(offset), slope, intercept)


def _judged(header: _Header, file: str, size: int, compressed: bool) -> _Header:
    most = size * _DEFLATE_LIMIT if compressed else size
    if header.end > most:
        raise BadInputError(
            _damaged(
                file,
                f"its header states {' x '.join(map(str, header.shape))} voxels, {header.end:,} bytes, which a file "
                f"of {size:,} bytes cannot hold",
            )
        )
    check_size(file, header.shape, header.dtype.itemsize)
    return header


def _damaged(file: str, reason: str) -> str:
    return (
        f"{file} cannot be read as NIfTI: it is truncated, damaged or in another format ({reason}). Copy or download "
        "the file again."
    )


def _plain_integer(dtype: np.dtype, slope: float, intercept: float) -> np.dtype | None:
    return dtype.newbyteorder("=") if dtype.kind in "iu" and (slope, intercept) == (1.0, 0.0) else None
