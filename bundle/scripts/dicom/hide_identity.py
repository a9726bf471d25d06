"""Remove a patient's identity from texts that leave DICOM: keep only header values that are known to be safe."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pydicom import DataElement, Dataset
from pydicom.tag import BaseTag

from scripts.data.errors import BadInputError
from scripts.data.hidden import Identity, hide_in_messages
from scripts.data.shown_words import is_harmless

from .read_file import read_dataset
from .scan import Scan

SHOWN = frozenset(
    (
        *("SpecificCharacterSet", "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "SequenceName"),
        *("PulseSequenceName", "CodeMeaning", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion"),
        *("SeriesDescription", "ProtocolName", "ContrastBolusAgent", "RescaleType", "ReceiveCoilName"),
        *("TransmitCoilName", "ImagedNucleus", "ScanOptions", "TimezoneOffsetFromUTC"),
    )
)
"""Keywords of texts that are not hidden: they describe the equipment, or are shown through `shown_words` only."""
_TEXT, _DATE, _NAME = ("LO", "SH", "LT", "ST", "UT", "UC", "AE", "UR", "UN", "UI"), ("DA", "DT"), "PN"
_IN_PARTS = ("PatientID", "OtherPatientIDs", "Institution", "StationName", "PatientAddress", "ResponsibleOrganization")
"""Beginnings of the keywords of texts of which a part identifies as well."""
_WHOLE = ("ID", "IDs", "Number", "Numbers")
"""Ends of the keywords of texts that identify even where all of their words are known, such as "12345"."""
_STANDARD = "1.2.840.10008."
"""Begins the UIDs that the standard gives to kinds of objects."""
_LONGEST = 200
_OF_FRAMES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ReferencedSeriesSequence")
"""Sequences of segmentations that hold numbers and thousands of UIDs, which are hidden by their form."""


def identity_of(
    headers: Iterable[Dataset],
    root: str | os.PathLike[str] | None = None,
    files: Iterable[Path] = (),
    shown: Iterable[str] = (),
) -> Identity:
    """Collect texts that identify patients and must not be shown.

    Args:
        headers: of images of each; every text, name, date and UID in them is hidden but for those of `SHOWN`.
        root: folder that the files were found in, written as "--dataset_dir". Defaults to None.
        files: files below `root`. Their names and those of their folders are hidden. Defaults to none.
        shown: more keywords that are not hidden. Defaults to none.
    """
    values: set[str] = set()
    patterns: set[str] = set()
    for header in headers:
        for element in _elements(header):
            if element.keyword not in SHOWN and element.keyword not in shown:
                found = _values_of(element)
                if element.VR in _DATE:
                    patterns |= {_date(value) for value in found if re.match(r"\d{8}", value)}
                else:
                    values |= {value for value in found if len(value) <= _LONGEST}
    if root is None:
        return Identity(values, patterns)
    folder = Path(root).expanduser().absolute()
    names = {part for file in files for part in file.relative_to(folder).parts}
    roots = {str(folder)} | ({str(root)} if Path(root).parent.name else set())
    return Identity(values, patterns, names | {folder.name}, dict.fromkeys(roots, "--dataset_dir"))


def hide_identity_of(scan: Scan, root: str | os.PathLike[str], shown: Iterable[str] = ()) -> None:
    """Hide the patients of a folder, and the names of its files, in everything that this process logs from now on.

    Args:
        scan: what the folder holds.
        root: the folder.
        shown: keywords of what may be shown. Defaults to none.
    """
    headers = []
    for series in scan.series:
        with suppress(BadInputError):
            headers.append(read_dataset(series.files[0], pixels=False))
    for file in scan.segmentations:
        with suppress(BadInputError):
            headers.append(_without(read_dataset(file, pixels=False), _OF_FRAMES))
    files = [*scan.ignored, *(file for series in scan.series for file in series.files)]
    hide_in_messages(identity_of(headers, root, files, shown))


def _without(header: Dataset, keywords: Iterable[str]) -> Dataset:
    for keyword in keywords:
        header.pop(keyword, None)
    return header


def hide_identity(text: str, header: Dataset) -> str:
    """Replace what identifies the patient of a header.

    Args:
        text: for instance a warning that quotes the name of a file.
        header: of an image of the patient.
    """
    return identity_of([header]).hide(text)


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    """Yield every readable element, including those in sequences."""
    for tag in list(dataset.keys()):
        element = _element(dataset, tag)
        if element is not None and element.VR == "SQ":
            for item in element.value or ():
                yield from _elements(item)
        elif element is not None:
            yield element


def _element(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    # Values are converted on first use, and pydicom raises anything for damaged ones.
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dataset[tag]
    return None


def _values_of(element: DataElement) -> set[str]:
    if element.VR not in (*_TEXT, *_DATE, _NAME) or not element.value:
        return set()
    value = element.value
    several = value if element.VM > 1 and not isinstance(value, (str, bytes)) else [value]
    texts = {text.decode("latin-1") if isinstance(text, bytes) else str(text) for text in several}
    texts = {text.strip(" \0") for text in texts if not text.startswith(_STANDARD)}
    if element.VR == _NAME or element.keyword.startswith(_IN_PARTS):
        texts |= {part for text in texts for part in re.split(r"[\s^=\\/,.;\[\]'-]+", text)}
    if element.VR in (_NAME, *_DATE) or element.keyword.endswith(_WHOLE):
        return texts
    return {text for text in texts if not is_harmless(text)}


def _date(value: str) -> str:
    """Return an expression for a date in the usual orders, with or without separators."""
    year, month, day = value[:4], *(rf"0?{int(part)}" for part in (value[4:6], value[6:8]))
    orders = ((year, month, day), (day, month, year), (month, day, year))
    return "|".join(rf"(?<!\d){'[-./ _]?'.join(order)}(?!\d)" for order in orders)
