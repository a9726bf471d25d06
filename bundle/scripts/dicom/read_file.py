"""Read one DICOM file safely, within a limit of memory."""

from __future__ import annotations

import logging
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom import Dataset, filereader
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from scripts.data.errors import BadInputError

DAMAGED = "damaged or truncated DICOM"
LARGEST = 4 * 2**30
"""Bytes of an instance, unpacked, above which it is refused: 128 × 128 × 64 voxels at 1000 times have half of it."""
_SMALL, _HIGHEST_RATIO = 256 * 2**20, 200
"""Bytes that are unpacked without question, and how many times smaller than that the packed ones may be beyond."""
_LOGGERS = ("pydicom", "pylibjpeg", "openjpeg", "libjpeg", "rle")
_PREAMBLE = 128


class NotDicomError(BadInputError):
    """A file that is not DICOM, or a DICOM object that is not an image."""


def read_dataset(path: Path, *, pixels: bool, keywords: Sequence[Any] | None = None) -> Dataset:
    """Read a DICOM file, with or without the preamble of Part 10.

    Args:
        path: the file.
        pixels: whether to read the pixel data as well.
        keywords: attributes to read. Defaults to None (all).

    Returns:
        the dataset. Its SOP Class UID is that of the file meta information where the dataset itself has none, as in a
        DICOMDIR, and its transfer syntax is the standard's default where the file names none.

    Raises:
        NotDicomError: it is of another format.
        BadInputError: it is damaged, unpacks to more than an MR instance can have, or may not be read.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(_PREAMBLE + 4)
            bare = start[_PREAMBLE:] != b"DICM"
            # without the preamble, group 8 comes first
            if bare and start[:2] != b"\x08\x00":
                raise NotDicomError("no DICOM file" if start else "an empty file")
            if not bare and DeflatedExplicitVRLittleEndian.encode() in start + file.read(1024):
                _check_deflated(file)
            file.seek(0)
            tags = None if keywords is None else list(keywords)
            dataset = pydicom.dcmread(file, stop_before_pixels=not pixels, force=bare, specific_tags=tags)
            kind = dataset.file_meta.get("MediaStorageSOPClassUID")
            if "SOPClassUID" not in dataset and bare:
                raise NotDicomError("no DICOM file")
            if not dataset.get("SOPClassUID") and kind:
                dataset.SOPClassUID = kind
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            return dataset
    except (BadInputError, MemoryError):
        raise
    except InvalidDicomError as error:
        raise NotDicomError("no DICOM file") from error
    except PermissionError as error:
        raise BadInputError("may not be read. Change its permissions") from error
    except OSError as error:
        raise BadInputError(f"cannot be read ({error.strerror or error}). Check the file") from error
    except Exception as error:  # pydicom raises anything from EOFError to struct.error
        raise BadInputError(f"{DAMAGED} ({type(error).__name__}). Export or copy it again") from error


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Collect warnings of pydicom and the decoders, whose own messages do not name the file.

    Yields:
        the remarks, each once, without the values that they quote, which may identify the patient.
    """
    found: list[str] = []

    def add(text: str) -> None:
        short = re.split(r"[:'\"\n]| \d", text, maxsplit=1)[0].strip()
        if short and short not in found:
            found.append(short)

    handler = _Collector(add)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.propagate, logger.level) for logger in loggers]
    try:
        for logger in loggers:
            logger.propagate = False
            logger.setLevel(logging.WARNING)  # configs/logging.conf lets errors alone pass
            logger.addHandler(handler)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield found
        for message in told:
            add(str(message.message))
    finally:
        for logger, (propagate, level) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate
            logger.setLevel(level)


class _Collector(logging.Handler):
    def __init__(self, add: Any) -> None:
        super().__init__(logging.WARNING)
        self.add = add

    def emit(self, record: logging.LogRecord) -> None:
        self.add(record.getMessage())


def check_size(unpacked: int, packed: int) -> None:
    """Check that an instance does not take far more memory than its size justifies.

    Args:
        unpacked: bytes that the pixels, or the file, will have, or are known to have at least.
        packed: bytes that they were read from.

    Raises:
        BadInputError: it is more than any MR instance has, or grows more than images do.
    """
    if unpacked > LARGEST or (unpacked > _SMALL and unpacked > _HIGHEST_RATIO * packed):
        raise BadInputError(
            f"{packed} bytes would unpack to {unpacked / 2**30:.3g} GiB or more, which no MR instance has. Its header "
            "is damaged, or it was made to exhaust the memory: export the series again"
        )


def _check_deflated(file: BinaryIO) -> None:
    """Measure the unpacked size of a deflated file step by step, before pydicom unpacks it."""
    file.seek(_PREAMBLE + 4)
    filereader.read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    packed, unpacked = 0, 0
    while not unpacking.eof:
        left = unpacking.unconsumed_tail
        piece = left or file.read(2**20)
        if not piece:
            raise BadInputError(f"{DAMAGED}: its deflated content ends too early. Export or copy it again")
        packed += 0 if left else len(piece)
        unpacked += len(unpacking.decompress(piece, 2**24))
        check_size(unpacked, packed)
