from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from pydicom import Dataset
from pydicom.uid import UID, SegmentationStorage

from scripts.data.errors import BadInputError
from scripts.data.waiting import note

from .frames import b_value, plain_headers
from .private_block import CREATOR, GROUP
from .read_file import DAMAGED, NotDicomError, read_dataset, remarks
from .series import Part, Series, facts_of, part_values, patient_key

_OUR_CREATOR = GROUP << 16 | 0x10
_PART_KEYWORDS = (
    "ImageType",
    "EchoTime",
    "InversionTime",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
)
_KEYWORDS = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality"),
    *("PatientID", "PatientName", "PatientBirthDate", "SpecificCharacterSet", "SeriesDescription", "ProtocolName"),
    *("SeriesNumber", "InstanceNumber", "Manufacturer", "ScanningSequence", "SequenceVariant", "SequenceName"),
    *("PulseSequenceName", "MRAcquisitionType", "AcquisitionContrast", "RepetitionTime", "FlipAngle"),
    *("ContrastBolusAgent", "ContrastBolusAgentSequence", "PhotometricInterpretation", "AcquisitionTime", "Rows"),
    *("Columns", "ImagePositionPatient", "ImageOrientationPatient", "EchoPulseSequence", "EchoPlanarPulseSequence"),
    *(
        "InversionRecovery",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "DerivationDescription",
    ),
    *("ContributingEquipmentSequence", "NumberOfFrames", *_PART_KEYWORDS),
    *("ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate", "ContrastBolusRoute"),
    *("ContrastBolusIngredient", "ContrastBolusIngredientConcentration"),
    *(_OUR_CREATOR, 0x00190010, 0x0019100C, 0x00430010, 0x00431039),
)
LABEL_MAP_STORAGE = UID("1.2.840.10008.5.1.4.1.1.66.7")
"""Label Map Segmentation Storage, which pydicom 3.0 does not know by name."""
SEGMENTATION_CLASSES = (SegmentationStorage, LABEL_MAP_STORAGE)
_DICOMDIR = "1.2.840.10008.1.3.10"
_ONE_DIRECTION = 0.01
"""Largest difference of direction cosines within one direction."""
_POSITION_DECIMALS = 2


@dataclass(frozen=True)
class Scan:
    """Content of a folder: `series` sorted by study and number, and why each other file was left out.

    `damaged` are those of the ignored files that are DICOM, but cannot be read, and `segmentations` those that are
    segmentations, see `scripts.dicom.segmentation_files`. `remarks` are what pydicom remarked, each with the files.
    """

    series: list[Series]
    ignored: dict[Path, str] = field(default_factory=dict)
    damaged: tuple[Path, ...] = ()
    segmentations: tuple[Path, ...] = ()
    remarks: dict[str, list[Path]] = field(default_factory=dict)


class _Image(NamedTuple):
    """One image of a series."""

    path: Path
    instance: str
    place: tuple[float, ...] | None
    direction: tuple[float, ...] | None
    values: Part
    header: Dataset


def scan_folder(folder: str | os.PathLike[str]) -> Scan:
    """Find every series below a folder, however nested and mixed; only headers are read.

    A series whose images repeat their places, because it holds several acquisitions (echoes, b values, magnitude and
    phase, a repetition), is given as several, one for each, where the headers distinguish them.

    Args:
        folder: of DICOM files; other files do no harm.

    Raises:
        BadInputError: the folder is missing or no folder.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise BadInputError(f"{root} {what}, expected a folder of DICOM files. Give the study's folder.")
    ignored: dict[Path, str] = {}
    damaged: list[Path] = []
    remarked: dict[str, list[Path]] = defaultdict(list)
    images: dict[tuple[str, str, str], list[_Image]] = defaultdict(list)
    for number, path in enumerate(_files(root), start=1):
        note(f"Reading DICOM headers: {number:,} files")
        if not path.is_file():
            # a pipe would never end
            ignored[path] = "a broken link" if path.is_symlink() else "no plain file"
            continue
        try:
            with remarks() as told:
                key, found = _read(path)
        except NotDicomError as error:
            ignored[path] = str(error)
        except BadInputError as error:
            ignored[path] = str(error)
            damaged.append(path)
        else:
            images[key].extend(found)
            for text in told:
                remarked[text].append(path)
    series = [
        one
        for (study, patient, uid), group in images.items()
        for one in _series_of(study, patient, uid, group)
    ]  # fmt: skip
    series.sort(key=lambda one: (one.study_uid, one.patient_key, one.facts.number or 0, one.uid, one.part_number))
    segmentations = tuple(path for path, reason in ignored.items() if reason in _SEGMENTATIONS)
    return Scan(series, ignored, tuple(damaged), segmentations, dict(remarked))


def frame_values(header: Dataset, part: Part) -> bool:
    """Whether the image of a plain header belongs to a part of its series."""
    return part_values(header, [keyword for keyword, _ in part]) == part


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _no_image(dataset: Dataset) -> str | None:
    """Return why a DICOM object is not an image of a series by its SOP class; None if it is one."""
    kind = UID(str(dataset.get("SOPClassUID", "")))
    if kind == _DICOMDIR:
        return "a DICOMDIR: an index of other files"
    written_as = UID(str(dataset.file_meta.get("MediaStorageSOPClassUID", "")))
    if _is_image(written_as) and kind.name == kind:
        raise BadInputError(f"{DAMAGED}: its two SOP classes contradict each other. Export or copy it again")
    names = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    missing = [name for name in names if not dataset.get(name)]
    if kind and not _is_image(kind) and not (missing and kind.name == kind):
        return _not_an_image(kind)
    if missing:
        raise BadInputError(f"{DAMAGED}: lacks {', '.join(missing)}. Export or copy it again")
    if not dataset.get("Rows") or not dataset.get("Columns"):
        raise BadInputError(f"{DAMAGED}: ends before its pixels. Export or copy it again")
    return None


def _not_an_image(kind: UID) -> str:
    return f"not an image ({'private SOP class' if kind.is_private else kind.name})"


_SEGMENTATIONS = frozenset(map(_not_an_image, SEGMENTATION_CLASSES))
"""Reasons why segmentations are no series of images."""


def _is_image(kind: UID) -> bool:
    return "Image Storage" in kind.name


def _read(path: Path) -> tuple[tuple[str, str, str], list[_Image]]:
    """Study, patient and series of a file, and its images."""
    dataset = read_dataset(path, pixels=False, keywords=_KEYWORDS)
    try:
        reason = _no_image(dataset)
        if reason:
            raise NotDicomError(reason)
        key = (str(dataset.StudyInstanceUID), patient_key(dataset), str(dataset.SeriesInstanceUID))
        return key, [_image(path, header, "NumberOfFrames" in dataset) for header in plain_headers(dataset)]
    except BadInputError:
        raise
    except Exception as error:  # values are converted on first use, and the faults of damaged ones are many
        raise BadInputError(f"{DAMAGED} ({type(error).__name__}). Export or copy it again") from error


def _image(path: Path, header: Dataset, of_many: bool) -> _Image:
    instance = str(header.SOPInstanceUID)
    return _Image(
        path=path,
        instance=f"{instance} frame {header.get('InstanceNumber')}" if of_many else instance,
        place=_floats(header, "ImagePositionPatient", 3, _POSITION_DECIMALS),
        direction=_floats(header, "ImageOrientationPatient", 6, 4),
        values=part_values(header, _PART_KEYWORDS),
        header=header,
    )


def _floats(header: Dataset, keyword: str, count: int, decimals: int) -> tuple[float, ...] | None:
    values = header.get(keyword)
    if values is None or isinstance(values, str) or len(values) != count:
        return None
    return tuple(round(float(value), decimals) + 0.0 for value in values)


def _series_of(study: str, patient: str, uid: str, images: Sequence[_Image]) -> list[Series]:
    """One series, or one for each acquisition in it."""
    parts = _parts(images)
    in_series = len({image.instance for image in images})
    diffusion = any(b_value(image.header) for image in images)
    series = []
    for number, (part, group) in enumerate(parts, start=1):
        facts = facts_of(
            group[0].header,
            instances=len({image.instance for image in group}),
            directions=len(set(_directions(group).values())),
            ours=any(is_ours(image.header) for image in group[:1]),
            diffusion=diffusion,
        )
        files = tuple(dict.fromkeys(image.path for image in group))
        series.append(Series(uid, study, files, facts, patient, part, number if part else 0, in_series))
    return series


def _parts(images: Sequence[_Image]) -> list[tuple[Part, Sequence[_Image]]]:
    """Separate acquisitions by the fewest header values under which no position repeats."""
    repeats = _repeats(images)
    if repeats == 1:
        return [((), images)]
    varying = [
        k for k in range(len(_PART_KEYWORDS)) if len({image.values[k] for image in images}) > 1
    ]  # fmt: skip
    for count in range(1, len(varying) + 1):
        for chosen in combinations(varying, count):
            groups: dict[Part, list[_Image]] = defaultdict(list)
            for image in images:
                groups[tuple(image.values[k] for k in chosen)].append(image)
            if len(groups) == repeats and all(_repeats(group) == 1 for group in groups.values()):
                return list(groups.items())
    return [((), images)]


def _repeats(images: Sequence[_Image]) -> int:
    """Return the largest number of different images at one position; copies count once."""
    directions = _directions(images)
    places = {
        (image.instance, image.place, directions[image.direction])
        for image in images
        if image.place and image.direction
    }
    return max(Counter(place[1:] for place in places).values(), default=1)


def _directions(images: Iterable[_Image]) -> dict[tuple[float, ...], tuple[float, ...]]:
    """Each direction that images are cut in, and the first of those like it."""
    first: dict[tuple[float, ...], tuple[float, ...]] = {}
    for direction in dict.fromkeys(image.direction for image in images if image.direction):
        like = (
            other
            for other in first.values()
            if max(abs(a - b) for a, b in zip(direction, other, strict=True)) < _ONE_DIRECTION
        )
        first[direction] = next(like, direction)
    return first


def is_ours(header: Dataset) -> bool:
    """Whether this bundle wrote an image, from its header."""
    if str(header.get(_OUR_CREATOR, "") and header[_OUR_CREATOR].value).strip() == CREATOR:
        return True
    equipment = header.get("ContributingEquipmentSequence") or []
    makers = (str(item.get(name, "")) for item in equipment for name in ("Manufacturer", "ManufacturerModelName"))
    return any(CREATOR in maker.upper() for maker in (str(header.get("Manufacturer", "")), *makers))
