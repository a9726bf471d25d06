from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset

from scripts.data.shown_words import shown_words

from .frames import b_value

NO_AGENT = {"no", "none", "non", "n", "nein", "ohne", "kein", "0", "n/a", "na", "null", "without", "unknown", "nativ"}
"""What headers hold in place of a contrast agent where none was given."""
_DOSES = {
    "ContrastBolusVolume": "{:g} ml",
    "ContrastBolusTotalDose": "a dose of {:g} ml",
    "ContrastFlowRate": "a flow rate of {:g} ml/s",
    "ContrastBolusIngredientConcentration": "a concentration of {:g} mg/ml",
}

Part = tuple[tuple[str, Any], ...]
"""Header values, by keyword, that distinguish acquisitions in the same series."""


@dataclass(frozen=True)
class Facts:
    """Header values of a series that say something about its contrast.

    Descriptions may hold a patient's name: messages show `title`.

    Times are in ms, angles in degrees; what a header lacks is None or empty.
    """

    modality: str = ""
    sop_class: str = ""
    description: str = ""
    protocol: str = ""
    number: int | None = None
    manufacturer: str = ""
    image_type: tuple[str, ...] = ()
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    sequence_name: str = ""
    acquisition_type: str = ""
    acquisition_contrast: str = ""
    repetition_time: float | None = None
    echo_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    b_value: float | None = None
    contrast_agent: str = ""
    contrast_dose: str = ""
    photometric: str = ""
    frame_of_reference_uid: str = ""
    acquisition_time: str = ""
    rows: int = 0
    columns: int = 0
    instances: int = 0
    directions: int = 0
    diffusion: bool = False
    ours: bool = False

    @property
    def title(self) -> str:
        """Description as messages may show it."""
        return shown_words(self.description)

    @property
    def original(self) -> bool:
        """Whether the pixels are the scanner's original reconstruction."""
        return not self.image_type or self.image_type[0] == "ORIGINAL"


@dataclass(frozen=True)
class Series:
    """One series, or one acquisition of a series that holds several.

    `files` may be in any order; of a series with several acquisitions they are those of `part` only, and enhanced files
    may also hold frames of other parts. `part_number` counts from 1; 0 where the series is whole. `in_series` is the
    number of images of the whole series; 0 where it is not known.
    """

    uid: str
    study_uid: str
    files: tuple[Path, ...]
    facts: Facts
    patient_key: str
    part: Part = ()
    part_number: int = 0
    in_series: int = 0

    @property
    def label(self) -> str:
        """Name in messages: number as a command selects it, description and part."""
        number = "without number" if self.facts.number is None else str(self.facts.number)
        which, part = (f"{number}:{self.part_number}", f" ({_told(self.part)})") if self.part else (number, "")
        return f'{which} "{self.facts.title}"{part}'


def facts_of(header: Dataset, *, instances: int, directions: int, ours: bool, diffusion: bool = False) -> Facts:
    """Collect the facts of a series.

    Args:
        header: plain header (`plain_headers`) of one of its images.
        instances: how many different images it has.
        directions: in how many directions they are cut.
        ours: whether this bundle wrote it.
        diffusion: whether some images of its series are weighted by diffusion. Defaults to False.
    """
    return Facts(
        modality=_text(header, "Modality"),
        sop_class=_text(header, "SOPClassUID"),
        description=_text(header, "SeriesDescription"),
        protocol=_text(header, "ProtocolName"),
        number=_whole(header, "SeriesNumber"),
        manufacturer=_text(header, "Manufacturer"),
        image_type=_words(header, "ImageType"),
        scanning_sequence=_words(header, "ScanningSequence"),
        sequence_variant=_words(header, "SequenceVariant"),
        sequence_name=_text(header, "SequenceName") or _text(header, "PulseSequenceName"),
        acquisition_type=_text(header, "MRAcquisitionType"),
        acquisition_contrast=_text(header, "AcquisitionContrast"),
        repetition_time=_number(header, "RepetitionTime"),
        echo_time=_number(header, "EchoTime"),
        inversion_time=_number(header, "InversionTime"),
        flip_angle=_number(header, "FlipAngle"),
        b_value=b_value(header),
        contrast_agent=_text(header, "ContrastBolusAgent"),
        contrast_dose=_dose(header),
        photometric=_text(header, "PhotometricInterpretation"),
        frame_of_reference_uid=_text(header, "FrameOfReferenceUID"),
        acquisition_time=_text(header, "AcquisitionTime"),
        rows=_whole(header, "Rows") or 0,
        columns=_whole(header, "Columns") or 0,
        instances=instances,
        directions=directions,
        diffusion=diffusion,
        ours=ours,
    )


def patient_key(header: Dataset) -> str:
    """Identify a patient without naming them: a hash of id, name and birth date."""
    name = " ".join(_text(header, "PatientName").replace("^", " ").casefold().split())
    parts = (_text(header, "PatientID"), name, _text(header, "PatientBirthDate"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def part_values(header: Dataset, keywords: Sequence[str]) -> Part:
    """Return what a plain header says under `keywords`, in a form that can be compared."""
    return tuple((keyword, _comparable(header, keyword)) for keyword in keywords)


def _dose(header: Dataset) -> str:
    """What a header says of a contrast agent besides its name: ingredient, volume, dose or route; empty without any."""
    told = [text for text in (_text(header, "ContrastBolusIngredient"),) if text.casefold() not in {"", *NO_AGENT}]
    for keyword, words in _DOSES.items():
        value = _number(header, keyword)
        if value:
            told.append(words.format(value))
    route = _text(header, "ContrastBolusRoute")
    if route.casefold() not in {"", *NO_AGENT}:
        told.append(f"route {route}")
    return ", ".join(told)


def _comparable(header: Dataset, keyword: str) -> Any:
    if keyword == "DiffusionBValue":
        return b_value(header)
    try:
        value = header.get(keyword)
    except (TypeError, ValueError):
        return None
    if value is None or isinstance(value, (int, float, str)):
        return value if value is None or isinstance(value, str) else float(value)
    return tuple(str(entry) for entry in value)


def _told(part: Part) -> str:
    return ", ".join(f"{keyword} {_value(value)}" for keyword, value in part)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(header: Dataset, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _words(header: Dataset, keyword: str) -> tuple[str, ...]:
    value = header.get(keyword)
    if value is None:
        return ()
    return tuple(str(word).strip() for word in ([value] if isinstance(value, str) else value))


def _number(header: Dataset, keyword: str) -> float | None:
    try:
        return float(header.get(keyword))
    except (TypeError, ValueError):
        return None


def _whole(header: Dataset, keyword: str) -> int | None:
    value = _number(header, keyword)
    return None if value is None else int(value)
