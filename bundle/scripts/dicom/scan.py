from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
from pydicom import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from scripts.data.errors import BadInputError

from .frames import plain_headers
from .private_block import CREATOR, GROUP
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
    *(_OUR_CREATOR, 0x0019100C, 0x00431039),
)
_DAMAGED = "damaged or truncated DICOM"
_ORIENTATION_DECIMALS = 2
_POSITION_DECIMALS = 2


@dataclass(frozen=True)
class Scan:
    """What a folder holds: `series` sorted by study and number, and why each other file was left out.

    `damaged` are those of the ignored files that are DICOM, but cannot be read.
    """

    series: list[Series]
    ignored: dict[Path, str] = field(default_factory=dict)
    damaged: tuple[Path, ...] = ()


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
    phase, a repetition), is given as several, one for each, where the headers tell them apart.

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
    images: dict[tuple[str, str, str], list[_Image]] = defaultdict(list)
    for path in _files(root):
        try:
            dataset = read_header(path, _KEYWORDS)
            reason = _no_image(dataset)
            found = [] if reason else _images(path, dataset)
        except NotDicomError as error:
            ignored[path] = str(error)
        except BadInputError as error:
            ignored[path] = str(error)
            damaged.append(path)
        else:
            if reason:
                ignored[path] = reason
            else:
                key = (str(dataset.StudyInstanceUID), patient_key(dataset), str(dataset.SeriesInstanceUID))
                images[key].extend(found)
    series = [
        one
        for (study, patient, uid), group in images.items()
        for one in _series_of(study, patient, uid, group)
    ]  # fmt: skip
    series.sort(key=lambda one: (one.study_uid, one.patient_key, one.facts.number or 0, one.uid, one.part_number))
    return Scan(series, ignored, tuple(damaged))


class NotDicomError(BadInputError):
    """A file that is no DICOM file at all."""


def read_header(path: Path, keywords: Sequence[Any] | None = None) -> Dataset:
    """Read the header of a DICOM file, with or without the preamble of Part 10.

    Args:
        path: the file.
        keywords: attributes to read. Defaults to None (all but the pixels).

    Raises:
        NotDicomError: it is of another format.
        BadInputError: it is damaged or may not be read.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(132)
            bare = start[128:] != b"DICM"
            # without the preamble, group 8 comes first
            if bare and start[:2] != b"\x08\x00":
                raise NotDicomError("no DICOM file" if start else "an empty file")
            file.seek(0)
            tags = None if keywords is None else list(keywords)
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=bare, specific_tags=tags)
            if bare and "SOPClassUID" not in dataset:
                raise NotDicomError("no DICOM file")
            # whatever is wrong shows on first use: now
            for keyword in ("SOPClassUID", "StudyInstanceUID", "PatientName", "ImagePositionPatient"):
                dataset.get(keyword)
            return dataset
    except BadInputError:
        raise
    except PermissionError as error:
        raise BadInputError("may not be read. Change its permissions") from error
    except InvalidDicomError as error:
        raise NotDicomError("no DICOM file") from error
    except Exception as error:  # pydicom raises anything from EOFError to struct.error
        raise BadInputError(f"{_DAMAGED} ({type(error).__name__}). Export or copy it again") from error


def frame_values(header: Dataset, part: Part) -> bool:
    """Whether the image of a plain header belongs to a part of its series."""
    return part_values(header, [keyword for keyword, _ in part]) == part


def place_of(header: Dataset) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Position and orientation of a plain header, rounded for comparison; None where it lacks them."""
    position, orientation = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    try:
        place = tuple(round(float(value), _POSITION_DECIMALS) + 0.0 for value in position)
        direction = tuple(round(float(value), _ORIENTATION_DECIMALS) + 0.0 for value in orientation)
    except (TypeError, ValueError):
        return None, None
    return (place, direction) if len(place) == 3 and len(direction) == 6 else (None, None)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _no_image(dataset: Dataset) -> str | None:
    """Why a DICOM file holds no image of a series."""
    kind = UID(str(dataset.get("SOPClassUID", "")))
    if kind == "1.2.840.10008.1.3.10":
        return "a DICOMDIR: an index of other files"
    missing = [name for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID") if not dataset.get(name)]
    if missing:
        return f"lacks {', '.join(missing)}"
    if not dataset.get("Rows") or not dataset.get("Columns"):
        return f"no image ({kind.name})"
    return None


def _images(path: Path, dataset: Dataset) -> list[_Image]:
    """The images of one file."""
    images = []
    try:
        for header in plain_headers(dataset):
            instance = str(header.SOPInstanceUID)
            if "NumberOfFrames" in dataset:
                instance += f" frame {header.get('InstanceNumber')}"
            place, direction = place_of(header)
            images.append(_Image(path, instance, place, direction, part_values(header, _PART_KEYWORDS), header))
    except Exception as error:  # values are converted on first use, and the faults of damaged ones are many
        raise BadInputError(f"{_DAMAGED} ({type(error).__name__}). Export or copy it again") from error
    return images


def _series_of(study: str, patient: str, uid: str, images: Sequence[_Image]) -> list[Series]:
    """One series, or one for each acquisition in it."""
    parts = _parts(images)
    series = []
    for number, (part, group) in enumerate(parts, start=1):
        facts = facts_of(
            group[0].header,
            instances=len({image.instance for image in group}),
            directions=len({image.direction for image in group}),
            ours=any(_is_ours(image.header) for image in group[:1]),
        )
        files = tuple(dict.fromkeys(image.path for image in group))
        series.append(Series(uid, study, files, facts, patient, part, number if part else 0))
    return series


def _parts(images: Sequence[_Image]) -> list[tuple[Part, Sequence[_Image]]]:
    """Tell acquisitions apart by the fewest header values under which no place repeats."""
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


def _repeats(images: Iterable[_Image]) -> int:
    """How many different images lie at one place, at most; copies of one image count once."""
    places = {(image.instance, image.place, image.direction) for image in images if image.place is not None}
    return max(Counter(place[1:] for place in places).values(), default=1)


def _is_ours(header: Dataset) -> bool:
    if str(header.get(_OUR_CREATOR, "") and header[_OUR_CREATOR].value).strip() == CREATOR:
        return True
    equipment = header.get("ContributingEquipmentSequence") or []
    makers = (str(item.get(name, "")) for item in equipment for name in ("Manufacturer", "ManufacturerModelName"))
    return any(CREATOR in maker.upper() for maker in (str(header.get("Manufacturer", "")), *makers))
