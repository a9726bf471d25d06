from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.uid import EnhancedMRImageStorage

from scripts.data.errors import BadInputError

from .completeness import check_complete
from .frames import plain_headers
from .geometry import slice_geometry
from .loss import declare_loss
from .mosaic import why_mosaic
from .packages import REQUIREMENTS, choose_decoder, own_choice
from .read_file import check_size, read_dataset, remarks
from .scan import frame_values
from .series import Series

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeriesVolume:
    """A series as a volume.

    Args:
        series: what was read.
        volume: MetaTensor float32 [X, Y, Z] with a float64 affine to RAS mm; X are the columns, Y the rows of the
            images, Z the slices along the normal of the images.
        headers: plain header of each slice, without pixels, see `scripts.dicom.frames.plain_headers`.
        warnings: what was not as it should be and was put right or does no harm.
        stored_bits: of a stored value.
        rescale: slope and intercept of the first slice. Every slice was read with its own, which its header names.
    """

    series: Series
    volume: MetaTensor
    headers: list[Dataset]
    warnings: list[str] = field(default_factory=list)
    stored_bits: int = 16
    rescale: tuple[float, float] = (1.0, 0.0)


@dataclass
class _Slice:
    """One image: its header, its file, and its pixels as stored."""

    name: str
    frame: int | None
    header: Dataset
    stored: np.ndarray


def read_series(series: Series) -> SeriesVolume:
    """Read the pixels of a series, sort them in space and apply the rescale.

    Args:
        series: of `scan_folder`.

    Raises:
        BadInputError: a file is truncated or compressed in a way that no installed package reads; images differ in size
            or direction, repeat their places, or are missing or spaced unevenly.
    """
    notes: list[str] = []
    slices = _without_copies(_read_all(series), notes)
    first = slices[0].header
    mosaic = why_mosaic(first)
    if mosaic:
        raise BadInputError(
            f"the series is a mosaic, many slices side by side in one image: {mosaic}. Convert it to a volume first, "
            "for instance with dcm2niix, or name another series."
        )
    _check_alike(slices)
    names = [one.name for one in slices]
    spacing = _numbers(first, "PixelSpacing", 2, names[0])
    geometry = slice_geometry(
        np.stack([_numbers(one.header, "ImagePositionPatient", 3, one.name) for one in slices]),
        np.stack([_numbers(one.header, "ImageOrientationPatient", 6, one.name) for one in slices]),
        [float(value) for value in spacing],
        _optional(first, "SpacingBetweenSlices") or _optional(first, "SliceThickness"),
        names,
    )
    notes += geometry.warnings
    slices = [slices[index] for index in geometry.order]
    rescales = [_rescale(one) for one in slices]
    if len({one.header.get("RescaleSlope") is None for one in slices}) > 1:
        raise BadInputError("some of the series' images have a rescale and others have none. Export the series again.")
    volume = np.empty((first.Columns, first.Rows, len(slices)), np.float32)
    padded = 0
    for k, (one, (slope, intercept)) in enumerate(zip(slices, rescales, strict=True)):
        values, count = _without_padding(one)
        padded += count
        volume[:, :, k] = (values.astype(np.float64) * slope + intercept).T
    if padded:
        notes.append(f"{padded} voxels hold the padding value of the header; the lowest other value stands for them")
    if len(slices) > 1:
        gap = float(np.linalg.norm(geometry.affine[:3, 2]))
        notes += check_complete([one.header for one in slices], gap, series.in_series)
    notes += _told_by_headers(slices, rescales)
    affine = torch.from_numpy(geometry.affine)
    meta = {"filename_or_obj": str(series.files[0]), "spatial_shape": np.asarray(volume.shape)}
    return SeriesVolume(
        series=series,
        volume=MetaTensor(torch.from_numpy(volume), affine=affine, meta=meta),
        headers=[one.header for one in slices],
        warnings=notes,
        stored_bits=int(first.get("BitsStored", 16)),
        rescale=rescales[0],
    )


def _read_all(series: Series) -> list[_Slice]:
    slices = []
    remarked: dict[str, list[Path]] = {}
    for path in series.files:
        with remarks() as told:
            of_file = _read_file(path)
        for text in told:
            remarked.setdefault(text, []).append(path)
        of_part = (one for one in of_file if frame_values(one.header, series.part))
        slices += [one for one in of_part if str(one.header.get("SeriesInstanceUID")) == series.uid]
    for text, paths in remarked.items():
        logger.debug("pydicom remarks on %d files, the first is %s: %s", len(paths), paths[0].name, text)
    if not slices:
        raise BadInputError(f"series {series.label} has no images any more. Read the folder again.")
    return slices


def _read_file(path: Path) -> list[_Slice]:
    """Every frame of a file."""
    try:
        dataset = read_dataset(path, pixels=True)
        headers = plain_headers(dataset)
        _check_length(dataset, len(headers))
        declare_loss(dataset, headers)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # values of damaged files may be anything
        raise _unreadable(path, error) from error
    try:
        choose_decoder(dataset)
        stored = dataset.pixel_array
    except (BadInputError, MemoryError):
        raise
    except Exception as error:  # pixel decoders raise anything
        raise _unreadable(path, error) from error
    if stored.ndim not in (2, 3) or int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise BadInputError(f"{path} holds colours, expected one grey value for each pixel. Name another series.")
    frames = stored[None] if stored.ndim == 2 else stored
    if len(frames) != len(headers):
        raise BadInputError(
            f"{path} holds {len(frames)} frames, but its header describes {len(headers)}. Export the series again."
        )
    frames = _clean_bits(frames, dataset)
    if len(headers) == 1:
        return [_Slice(path.name, None, headers[0], frames[0])]
    return [
        _Slice(f"{path.name} frame {number}", number, header, frame)
        for number, (header, frame) in enumerate(zip(headers, frames, strict=True), start=1)
    ]


def _check_length(dataset: Dataset, frames: int) -> None:
    """Check that a file has as many pixels as its header describes; some decoders pad or crop."""
    if "ModalityLUTSequence" in dataset:
        raise BadInputError("its values go through a Modality LUT, expected a rescale. Export the series as MR images")
    if not dataset.get("PixelData"):
        if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
            return
        raise BadInputError("truncated: it ends before its pixels. Export or copy it again")
    needed = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation")
    missing = [keyword for keyword in needed if dataset.get(keyword) is None]
    if missing:
        raise BadInputError(f"lacks {', '.join(missing)}, without which pixels mean nothing. Export the series again")
    if not dataset.file_meta.TransferSyntaxUID.is_transfer_syntax:
        raise BadInputError("names an unknown transfer syntax: it is damaged. Export or copy it again")
    claimed = int(dataset.get("NumberOfFrames") or 1)
    if claimed != frames:
        raise BadInputError(f"holds {claimed} frames, but its header describes {frames}. Export the series again")
    pixels = dataset.Rows * dataset.Columns * frames * (dataset.get("SamplesPerPixel") or 1)
    expected, there = pixels * dataset.BitsAllocated // 8, len(dataset.PixelData)
    check_size(expected, there)
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        return
    if there < expected:
        raise BadInputError(f"truncated: {there} of {expected} bytes of pixels. Export or copy it again")
    if there > expected + 1:
        raise BadInputError(
            f"holds {there} bytes of pixels, but its header describes {expected}: {dataset.Columns} × {dataset.Rows} "
            f"pixels of {dataset.BitsAllocated} bits in {frames} frames. Export the series again"
        )


def _unreadable(path: Path, error: Exception) -> BadInputError:
    text = " ".join(str(error).split())
    choice = own_choice(path)
    if choice is not None:
        return BadInputError(f"{path} cannot be read: {choice}")
    if "missing required dependencies" in text or ("plugin" in text.casefold() and "missing" in text.casefold()):
        return BadInputError(
            f"{path} is compressed, and the package that reads it is missing: {text} Install what the clinic's side "
            f"needs: pip install -r {REQUIREMENTS}"
        )
    return BadInputError(
        f"{path} cannot be read: it is truncated, damaged, or compressed in a way that no installed package reads "
        f"({type(error).__name__}: {text[:200]}). Export or copy it again."
    )


def _clean_bits(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Clear the bits that old scanners fill outside the stored ones, and move the sign to the top."""
    allocated, bits = int(dataset.get("BitsAllocated", 16)), int(dataset.get("BitsStored", 16))
    if stored.dtype.kind not in "iu" or bits >= allocated or stored.dtype.itemsize * 8 != allocated:
        return stored
    above = allocated - 1 - int(dataset.get("HighBit", bits - 1))
    return np.right_shift(np.left_shift(stored, above), allocated - bits)


def _without_copies(slices: list[_Slice], notes: list[str]) -> list[_Slice]:
    """Drop copies of instances."""
    kept: dict[tuple[str, int | None], _Slice] = {}
    copies = 0
    for one in slices:
        other = kept.setdefault((str(one.header.SOPInstanceUID), one.frame), one)
        if other is one:
            continue
        if not np.array_equal(other.stored, one.stored) or not _same_place(other.header, one.header):
            raise BadInputError(
                f"{other.name} and {one.name} have the same SOP Instance UID, but differ. Export the series again."
            )
        copies += 1
    if copies:
        notes.append(f"{copies} files are copies of others and were left out")
    return list(kept.values())


def _same_place(one: Dataset, other: Dataset) -> bool:
    return one.get("ImagePositionPatient") == other.get("ImagePositionPatient")


def _check_alike(slices: Sequence[_Slice]) -> None:
    first = slices[0]
    for one in slices[1:]:
        if one.stored.shape != first.stored.shape:
            raise BadInputError(
                f"the series' images differ in size: {first.stored.shape[::-1]} pixels in {first.name}, "
                f"{one.stored.shape[::-1]} in {one.name}. Name another series, or export it again."
            )
        if not np.allclose(
            _numbers(one.header, "PixelSpacing", 2, one.name), _numbers(first.header, "PixelSpacing", 2, first.name),
            rtol=1e-4,
        ):  # fmt: skip
            raise BadInputError(
                f"the series' images differ in pixel spacing: {first.header.PixelSpacing} in {first.name}, "
                f"{one.header.PixelSpacing} in {one.name}. Name another series, or export it again."
            )
        frames = [str(header.get("FrameOfReferenceUID", "")) for header in (first.header, one.header)]
        if frames[0] != frames[1]:
            raise BadInputError(
                f"the series' images lie in different frames of reference ({first.name}, {one.name}): their positions "
                "cannot be compared. Name another series, or export it again."
            )


def _rescale(one: _Slice) -> tuple[float, float]:
    slope, intercept = _optional(one.header, "RescaleSlope"), _optional(one.header, "RescaleIntercept")
    required = str(one.header.SOPClassUID) == EnhancedMRImageStorage
    if (slope is None) != (intercept is None) or (required and slope is None):
        raise BadInputError(
            f"{one.name} lacks Rescale Slope or Rescale Intercept, so its pixel values are undefined. Export "
            "the series again."
        )
    if slope == 0.0:
        raise BadInputError(f"{one.name} has a rescale slope of 0. Export the series again.")
    return 1.0 if slope is None else slope, intercept or 0.0


def _without_padding(one: _Slice) -> tuple[np.ndarray, int]:
    """Replace the padding value by the lowest other value, and count how often."""
    padding = one.header.get("PixelPaddingValue")
    if padding is None or int(padding) == 0:
        return one.stored, 0
    limit = int(one.header.get("PixelPaddingRangeLimit", padding))
    low, high = sorted((int(padding), limit))
    outside = (one.stored >= low) & (one.stored <= high)
    if not outside.any() or outside.all():
        return one.stored, 0
    return np.where(outside, one.stored[~outside].min(), one.stored), int(outside.sum())


def _told_by_headers(slices: Sequence[_Slice], rescales: Sequence[tuple[float, float]]) -> list[str]:
    first = slices[0].header
    notes = []
    if any(str(one.header.get("LossyImageCompression", "")) == "01" for one in slices):
        notes.append("its images were compressed with loss")
    if first.get("PhotometricInterpretation") == "MONOCHROME1":
        notes.append("its images are stored inverted (MONOCHROME1); the values were read as they are stored")
    if len(set(rescales)) > 1:
        notes.append("each slice has a rescale of its own, which was applied")
    return notes


def _numbers(header: Dataset, keyword: str, count: int, name: str) -> np.ndarray:
    try:
        values = np.array([float(value) for value in header.get(keyword)])
    except (TypeError, ValueError):
        values = np.empty(0)
    if len(values) != count or not np.isfinite(values).all():
        raise BadInputError(
            f"{name} lacks {dictionary_description(keyword)}, which says where it lies. "
            "Export the series again as MR images."
        )
    return values


def _optional(header: Dataset, keyword: str) -> float | None:
    try:
        return float(header.get(keyword))
    except (TypeError, ValueError):
        return None
