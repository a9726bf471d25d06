"""Read a segmentation (DICOM SEG) as masks on a grid of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.pixels import pixel_array

from scripts.data.errors import BadInputError

from .frames import plain_headers
from .read_file import DAMAGED, NotDicomError, check_size, read_dataset
from .scan import LABEL_MAP_STORAGE, SEGMENTATION_CLASSES
from .segments import Shows, name_of_segment, shows

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_PARALLEL = 1e-3
_SAME_PLACE = 0.01
"""mm between frames of one slice."""
_OFF_GRID = 0.1
"""Slices that a frame may lie off an even spacing, and half of it in pixels sideways."""
_MOST_VOXELS = 2**30
"""Voxels of a grid above which it is refused: a thousand slices of 1024 × 1024."""
_AGAIN = "Export the segmentation again"


@dataclass(frozen=True)
class Segment:
    """A segment on the grid of its segmentation.

    Args:
        number: in the file.
        name: without words that may identify someone.
        shows: what it shows.
        frames: numbers of its frames, from 0; none for a label map, whose frames hold all segments.
    """

    number: int
    name: str
    shows: Shows
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Grid:
    """Voxels of a segmentation.

    Args:
        shape: columns, rows, slices; slices without a frame count.
        affine: [4, 4] from voxel to RAS mm.
        slices: slice of each frame.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    slices: np.ndarray


class Segmentation:
    """A segmentation whose pixels are unpacked segment by segment, because all of them may not fit the memory.

    Args:
        path: DICOM file.

    Raises:
        BadInputError: it is no segmentation, damaged, or its frames do not form a regular grid.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._dataset = read_dataset(path, pixels=True)
            self._unpacked: np.ndarray | None = None
            self._headers = plain_headers(self._dataset)
            self._check()
            self.grid = _grid(self._headers, self._dataset)
            self.segments = self._segments()
        except BadInputError:
            raise
        except MemoryError:
            raise
        except Exception as error:  # values of damaged files may be anything
            raise BadInputError(f"{DAMAGED} ({type(error).__name__}). {_AGAIN}.") from error

    @property
    def frame_of_reference_uid(self) -> str:
        """Space that it lies in; empty if it does not say."""
        return str(self._dataset.get("FrameOfReferenceUID", "") or "")

    @property
    def references(self) -> frozenset[str]:
        """UIDs of the series and instances that it was drawn on, as far as it names them."""
        found: set[str] = set()
        for series in self._dataset.get("ReferencedSeriesSequence") or ():
            found.add(str(series.get("SeriesInstanceUID", "")))
            found |= {_instance(item) for item in series.get("ReferencedInstanceSequence") or ()}
        found |= {_instance(item) for item in self._dataset.get("SourceImageSequence") or ()}
        groups = self._dataset.get("PerFrameFunctionalGroupsSequence") or ()
        for group in (*groups, *(self._dataset.get("SharedFunctionalGroupsSequence") or ())):
            for derivation in group.get("DerivationImageSequence") or ():
                found |= {_instance(item) for item in derivation.get("SourceImageSequence") or ()}
        return frozenset(found - {""})

    def mask(self, segment: Segment) -> np.ndarray:
        """Unpack a segment.

        Args:
            segment: one of `segments`.

        Returns:
            bool [X, Y, Z] on the grid.

        Raises:
            BadInputError: the pixels are truncated, or compressed in a way that no installed package reads.
        """
        # slices lie together in memory
        mask = np.zeros(self.grid.shape[::-1], dtype=bool)
        try:
            for frame in segment.frames or range(len(self._headers)):
                mask[self.grid.slices[frame]] |= self._inside(frame, segment)
        except (BadInputError, MemoryError):
            raise
        except Exception as error:  # pixel decoders raise anything
            raise BadInputError(f"its pixels cannot be read ({type(error).__name__}: {error}). {_AGAIN}.") from error
        return mask.T

    def _inside(self, frame: int, segment: Segment) -> np.ndarray:
        values = self._frame(frame)
        if self._is_label_map:
            return values == segment.number
        if str(self._dataset.get("SegmentationType", "")) == "FRACTIONAL":
            return values >= 0.5 * int(self._dataset.get("MaximumFractionalValue") or 255)
        return values > 0

    def _frame(self, number: int) -> np.ndarray:
        """Return the stored values of a frame, [rows, columns]."""
        dataset = self._dataset
        if int(dataset.BitsAllocated) > 1:
            return pixel_array(dataset, index=number)
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            if self._unpacked is None:
                self._unpacked = dataset.pixel_array.reshape(len(self._headers), dataset.Rows, dataset.Columns)
            return self._unpacked[number]
        # Frames of single bits follow each other without padding; pydicom 3.0 gives the wrong ones by index.
        pixels = int(dataset.Rows) * int(dataset.Columns)
        first, last = number * pixels, (number + 1) * pixels
        packed = np.frombuffer(dataset.PixelData, np.uint8)[first // 8 : -(-last // 8)]
        bits = np.unpackbits(packed, bitorder="little")[first % 8 :][:pixels]
        return bits.reshape(int(dataset.Rows), int(dataset.Columns))

    @property
    def _is_label_map(self) -> bool:
        kind = str(self._dataset.get("SegmentationType", ""))
        return kind == "LABELMAP" or str(self._dataset.SOPClassUID) == LABEL_MAP_STORAGE

    def _check(self) -> None:
        dataset = self._dataset
        if str(dataset.get("SOPClassUID", "")) not in SEGMENTATION_CLASSES:
            raise NotDicomError("not a segmentation (DICOM SEG)")
        if "InConcatenationNumber" in dataset:
            raise BadInputError(f"it is one of several parts (a concatenation). {_AGAIN}, as one file.")
        if "PerFrameFunctionalGroupsSequence" not in dataset or not dataset.get("SegmentSequence"):
            raise BadInputError(f"{DAMAGED}: its segments or frames are not described. {_AGAIN}.")
        if not dataset.get("PixelData"):
            raise BadInputError(f"{DAMAGED}: it ends before its pixels. {_AGAIN}.")
        pixels = int(dataset.Rows) * int(dataset.Columns) * len(self._headers)
        bits = int(dataset.BitsAllocated)
        if bits not in (1, 8, 16):
            raise BadInputError(f"{DAMAGED}: {bits} bits are allocated, expected 1, 8 or 16. {_AGAIN}.")
        if not dataset.file_meta.TransferSyntaxUID.is_encapsulated and len(dataset.PixelData) < pixels * bits / 8:
            raise BadInputError(f"{DAMAGED}: it holds fewer pixels than its header describes. {_AGAIN}.")
        check_size(pixels * bits // 8, len(dataset.PixelData))

    def _segments(self) -> tuple[Segment, ...]:
        frames: dict[int, list[int]] = {}
        if not self._is_label_map:
            for index, header in enumerate(self._headers):
                frames.setdefault(int(header.ReferencedSegmentNumber), []).append(index)
        found, items = [], list(self._dataset.SegmentSequence)
        numbers = [int(item.SegmentNumber) for item in items]
        if len(set(numbers)) < len(numbers) or set(frames) - set(numbers):
            raise BadInputError(f"{DAMAGED}: its frames are of segments that are not described. {_AGAIN}.")
        for number, item in zip(numbers, items, strict=True):
            # a segment without frames is empty; 0 is the background of a label map
            if number in frames or (self._is_label_map and number > 0):
                found.append(Segment(number, name_of_segment(item), shows(item), tuple(frames.get(number, ()))))
        return tuple(found)


def _instance(item: Dataset) -> str:
    return str(item.get("ReferencedSOPInstanceUID", ""))


def _grid(headers: list[Dataset], dataset: Dataset) -> Grid:
    """Compute the grid of the frames, of which any may be missing."""
    orientations = np.array([_numbers(header, "ImageOrientationPatient", 6) for header in headers])
    positions = np.array([_numbers(header, "ImagePositionPatient", 3) for header in headers])
    spacings = np.array([_numbers(header, "PixelSpacing", 2) for header in headers])
    if np.ptp(orientations, axis=0).max() > _PARALLEL or np.ptp(spacings, axis=0).max() > 1e-4:
        raise BadInputError(f"its frames are cut in several directions or differ in pixel spacing. {_AGAIN}.")
    across, down = orientations[0, :3], orientations[0, 3:]
    lengths = np.linalg.norm([across, down], axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(float(across @ down)) > 0.01 or spacings[0].min() <= 0:
        raise BadInputError(f"{DAMAGED}: its orientation or spacing is impossible. {_AGAIN}.")
    across, down = across / lengths[0], down / lengths[1]
    normal = np.cross(across, down)
    heights = positions @ normal
    first = int(heights.argmin())
    step = _step(heights - heights[first], headers[0])
    slices = np.rint((heights - heights[first]) / step).astype(int)
    off = positions - positions[first] - slices[:, None] * step * normal
    if np.abs(off @ normal).max() > _OFF_GRID * step or np.linalg.norm(
        off - (off @ normal)[:, None] * normal, axis=1
    ).max() > 0.5 * float(spacings[0].min()):
        raise BadInputError(
            f"its frames are spaced unevenly or shifted sideways, so that they form no regular grid. {_AGAIN} on the "
            "grid of the images."
        )
    affine = np.eye(4)
    affine[:3, 0] = across * spacings[0, 1]
    affine[:3, 1] = down * spacings[0, 0]
    affine[:3, 2] = normal * step
    affine[:3, 3] = positions[first]
    shape = (int(dataset.Columns), int(dataset.Rows), int(slices.max()) + 1)
    if np.prod(shape, dtype=float) > _MOST_VOXELS:
        raise BadInputError(f"its grid would have {' × '.join(map(str, shape))} voxels, which no image has. {_AGAIN}.")
    return Grid(shape, _LPS_TO_RAS @ affine, slices)


def _step(heights: np.ndarray, header: Dataset) -> float:
    """Distance between slices: what the header says if the frames lie on it, or else what separates them.

    Slices without a frame are empty, so that the smallest distance between frames may be that of several slices.
    """
    gaps = np.diff(np.unique(np.round(heights, 3)))
    gaps = gaps[gaps > _SAME_PLACE]
    said = [float(header.get(name) or 0) for name in ("SpacingBetweenSlices", "SliceThickness")]
    if not len(gaps):
        step = said[0] or said[1]
        if step <= 0:
            raise BadInputError(f"a single slice without thickness has no place in space. {_AGAIN}.")
        return step
    for step in _candidates(said[0], float(gaps.min())):
        if np.abs(heights / step - np.rint(heights / step)).max() <= _OFF_GRID:
            # the header's distance is rounded; that of the outermost frames is not
            return float(heights.max() / np.rint(heights.max() / step))
    raise BadInputError(f"its frames are spaced unevenly, {gaps.min():.4g} to {gaps.max():.4g} mm apart. {_AGAIN}.")


def _candidates(said: float, smallest: float) -> Iterator[float]:
    if _SAME_PLACE < said < smallest * (1 + _OFF_GRID):
        yield said
    yield smallest


def _numbers(header: Dataset, keyword: str, count: int) -> list[float]:
    values = header.get(keyword)
    if values is None or len(values) != count or not np.isfinite([float(value) for value in values]).all():
        raise BadInputError(f"{DAMAGED}: a frame lacks {keyword}, which says where it lies. {_AGAIN}.")
    return [float(value) for value in values]
