"""Put segmentations (DICOM SEG) onto the grid of the fused image, as labels with names."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.hidden import short_uid

if TYPE_CHECKING:
    from scripts.dicom.segmentation import Segment, Segmentation
    from scripts.dicom.series import Series
    from scripts.dicom.volume import SeriesVolume

logger = logging.getLogger(__name__)

MOST_SEGMENTS = 254
_BIAS = 1e-4
"""Voxels that a border between two is moved by, so that rounding does not decide where both are equally near."""
_WHOLE = 0.98
"""Share of a segment inside the fused image from which on it counts as whole."""


@dataclass(frozen=True)
class Placed:
    """Segments on the grid of the fused image.

    Args:
        labels: uint8 [X, Y, Z]; 0 where no segment is. Where segments overlap, the smaller one is there.
        segments: what the record says of each label: "Name", "Series" (what messages show for its UID), "Number" (of
            the segment) and "Voxels".
        warnings: what was left out or is doubtful.
    """

    labels: np.ndarray
    segments: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class _Mask(NamedTuple):
    """A segment on the fused grid, and the segmentation that it is from."""

    segment: Segment
    series: Series
    mask: np.ndarray


class PlaceSegmentationsd(Transform):
    """Read the segmentations of a study and put their segments onto the grid of the sources, as the lesion's outline.

    A voxel belongs to a segment if its centre lies in it. Segments of lesions are taken; where none says that it shows
    one, those that say nothing. A segmentation that cannot be placed is left out with a warning, unless the user named
    it.

    Args:
        segmentation: "auto", "none", or which ones, see `scripts.dicom.segmentation_files.choose_segmentations`; named
            ones are drawn whatever they show. Defaults to "auto".
        enabled: whether the outline is used; otherwise nothing is read. Defaults to True.
    """

    def __init__(self, segmentation: Any = "auto", enabled: bool | str = True) -> None:
        self.segmentation = segmentation
        self.enabled = is_true(enabled)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Place the segmentations of one study.

        Args:
            data: "patient", "image" [N, X, Y, Z] with affine, "series" {source: SeriesVolume}, "registration" {source:
                {"matrix"}} and "segmentations", see `find_studies`.

        Returns:
            new dict; where there is something to outline, with "seg" MetaTensor [1, X, Y, Z] and "segmentation", what
            the record says about it. Doubts are added to "warnings".

        Raises:
            BadInputError: a segmentation that the user named is not there, cannot be read, or cannot be placed.
        """
        if not self.enabled:
            return data
        image = data["image"]
        matrices = {source: np.asarray(told["matrix"]) for source, told in data.get("registration", {}).items()}
        placed = place_segmentations(
            data.get("segmentations", ()),
            self.segmentation,
            data["series"],
            matrices,
            np.asarray(image.affine, dtype=np.float64),
            tuple(image.shape[1:]),
        )
        for warning in placed.warnings:
            logger.warning("%s: %s", data["patient"], warning)
        warnings = [*data.get("warnings", ()), *placed.warnings]
        noted = {"warnings": warnings} if warnings or "warnings" in data else {}
        if not placed.segments:
            return {**data, **noted}
        names = ", ".join(told["Name"] for told in placed.segments.values())
        logger.info("%s: outlined in the report: %s", data["patient"], names)
        seg = MetaTensor(torch.from_numpy(placed.labels)[None], affine=image.affine)
        return {**data, **noted, "seg": seg, "segmentation": {"Segments": placed.segments}}


def place_segmentations(
    found: Sequence[Series],
    wish: Any,
    series: Mapping[str, SeriesVolume],
    matrices: Mapping[str, np.ndarray],
    affine: np.ndarray,
    shape: tuple[int, int, int],
    only: Collection[tuple[str, int]] | None = None,
) -> Placed:
    """Put segmentations onto a grid.

    Args:
        found: segmentations of the study.
        wish: which of them, see `PlaceSegmentationsd`.
        series: sources of the fused image.
        matrices: [4, 4] by source, RAS mm of the fused image to RAS mm of the source; sources without one were not
            moved.
        affine: [4, 4], voxels of the fused image to RAS mm.
        shape: its voxels.
        only: segments to take, by what messages show for the UID of their series and by their number. Defaults to None
            (those that `wish` means).

    Raises:
        BadInputError: see `PlaceSegmentationsd`.
    """
    from scripts.dicom.segmentation_files import choose_segmentations, is_auto

    chosen = choose_segmentations(found, wish)
    named = not is_auto(wish)
    warnings: list[str] = []
    masks: list[_Mask] = []
    for one in chosen:
        if only is not None and short_uid(one.uid) not in {uid for uid, _ in only}:
            continue
        try:
            whatever = named or only is not None
            masks += list(_masks_of(one, series, matrices, affine, shape, whatever, warnings))
        except BadInputError as error:
            told = f"segmentation {one.label}: {error}"
            if named:
                raise BadInputError(f"{told} Name another one by --segmentation, or leave it out.") from error
            warnings.append(f"{told} It is not outlined")
    if only is not None:
        masks = [one for one in masks if (short_uid(one.series.uid), one.segment.number) in only]
    elif not named:
        masks = _of_lesions(masks, warnings)
    if len(masks) > MOST_SEGMENTS:
        warnings.append(f"{len(masks)} segments are too many to outline: only the largest {MOST_SEGMENTS} are")
    return _painted(masks, shape, warnings)


def _masks_of(
    one: Series,
    series: Mapping[str, SeriesVolume],
    matrices: Mapping[str, np.ndarray],
    affine: np.ndarray,
    shape: tuple[int, int, int],
    whatever: bool,
    warnings: list[str],
) -> Iterator[_Mask]:
    """Yield each segment of a segmentation on the fused grid, of all kinds or those that may be lesions."""
    from scripts.dicom.segmentation import Segmentation
    from scripts.dicom.segments import Shows

    for path in sorted(one.files):
        read = Segmentation(path)
        matrix = _matrix(read, series, matrices)
        there = np.linalg.inv(read.grid.affine) @ matrix @ affine
        for segment in read.segments:
            if segment.shows is Shows.OTHER and not whatever:
                logger.info("segmentation %s: %s is not a lesion and is not outlined", one.label, segment.name)
                continue
            mask = read.mask(segment)
            inside = _share_inside(mask, np.linalg.inv(there), shape)
            placed = sampled(mask, there, shape)
            name = f"segmentation {one.label}, {segment.name}"
            if not mask.any():
                logger.info("%s is empty", name)
            elif not placed.any():
                warnings.append(f"{name} lies outside the fused image or between its slices and is not outlined")
            else:
                if inside < _WHOLE:
                    warnings.append(f"{name} lies in the fused image by {inside:.0%} only; that part is outlined")
                yield _Mask(segment, one, placed)


def _matrix(read: Segmentation, series: Mapping[str, SeriesVolume], matrices: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return how RAS mm of the fused image lead to RAS mm of a segmentation: as those of the series it was drawn on.

    Raises:
        BadInputError: it was drawn on another series that does not share a frame of reference with a source.
    """
    frame = read.frame_of_reference_uid
    frames = {source: str(one.headers[0].get("FrameOfReferenceUID", "") or "") for source, one in series.items()}
    drawn_on = [source for source, one in series.items() if read.references & _uids(one)]
    of_frame = [source for source in series if frame and frames[source] == frame]
    if any(frame and frames[source] and frames[source] != frame for source in drawn_on):
        raise BadInputError(
            f"it names the series of {drawn_on[0]} but another frame of reference, so its place is unknown. Export it "
            "again."
        )
    if not drawn_on and not of_frame:
        what = "it does not name a frame of reference" if not frame else "its frame of reference is that of no source"
        raise BadInputError(
            f"{what}, and it was not drawn on the series of one of them, so its place is unknown. Draw it on a source."
        )
    # of several sources, one that was not moved against the reference
    candidates = [matrices.get(source, np.eye(4)) for source in drawn_on or of_frame]
    return next((matrix for matrix in candidates if np.allclose(matrix, np.eye(4))), candidates[0])


def _uids(one: SeriesVolume) -> set[str]:
    return {one.series.uid, *(str(header.get("SOPInstanceUID", "")) for header in one.headers)}


def sampled(mask: np.ndarray, there: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Sample a mask at the centres of a grid's voxels.

    Args:
        mask: bool [X, Y, Z].
        there: [4, 4], voxels of the grid to voxels of the mask.
        shape: voxels of the grid.

    Returns:
        bool, in the grid's shape; False outside the mask.
    """
    result = np.zeros(shape, dtype=bool)
    index = np.ogrid[tuple(slice(n) for n in shape[:2])]
    for k in range(shape[2]):
        inside, places = np.ones(shape[:2], dtype=bool), []
        for axis, size in enumerate(mask.shape):
            place = there[axis, 0] * index[0] + there[axis, 1] * index[1] + there[axis, 2] * k + there[axis, 3]
            nearest = np.floor(place + 0.5 + _BIAS).astype(np.int64)
            inside &= (nearest >= 0) & (nearest < size)
            places.append(nearest)
        if inside.any():
            result[:, :, k][inside] = mask[tuple(place[inside] for place in places)]
    return result


def _share_inside(mask: np.ndarray, back: np.ndarray, shape: tuple[int, int, int]) -> float:
    """Share of a mask's voxels whose centres lie in the fused grid's field of view."""
    inside = np.flatnonzero(mask)
    if not len(inside):
        return 1.0
    # every nth voxel gives the same share
    points = np.stack(np.unravel_index(inside[:: max(1, len(inside) // 100_000)], mask.shape), axis=1)
    places = points @ back[:3, :3].T + back[:3, 3]
    limits = np.asarray(shape) - 0.5
    return float(((places >= -0.5 - 1e-3) & (places <= limits + 1e-3)).all(axis=1).mean())


def _of_lesions(masks: list[_Mask], warnings: list[str]) -> list[_Mask]:
    """Keep segments of lesions; where none says that it is one, those that say nothing."""
    from scripts.dicom.segments import Shows

    lesions = [one for one in masks if one.segment.shows is Shows.LESION]
    if not lesions and masks:
        names = ", ".join(one.segment.name for one in masks)
        warnings.append(f"the segmentation does not say what {names} shows; it is outlined as if it were the lesion")
    return lesions or masks


def _painted(masks: list[_Mask], shape: tuple[int, int, int], warnings: list[str]) -> Placed:
    """Paint segments over each other, the largest first, so that those inside others stay visible."""
    labels = np.zeros(shape, dtype=np.uint8)
    segments: dict[str, dict[str, Any]] = {}
    several = len({one.series.uid for one in masks}) > 1
    by_size = sorted(masks, key=lambda one: -int(one.mask.sum()))[:MOST_SEGMENTS]
    for label, one in enumerate(by_size, start=1):
        labels[one.mask] = label
        name = f"{one.segment.name} (series {one.series.facts.number})" if several else one.segment.name
        alike = sum(told["Name"] == name or told["Name"].startswith(f"{name}, ") for told in segments.values())
        name = f"{name}, {alike + 1}" if alike else name
        segments[str(label)] = {
            "Name": name,
            "Series": short_uid(one.series.uid),
            "Number": one.segment.number,
            "Voxels": int(one.mask.sum()),
        }
    hidden = [told["Name"] for label, told in segments.items() if not (labels == int(label)).any()]
    if hidden:
        warnings.append(f"{', '.join(hidden)} cannot be seen: other segments cover all of it")
    return Placed(labels, segments, warnings)
