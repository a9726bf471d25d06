from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import Tag

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_NOT_OF_ONE_FRAME = (*_GROUPS, "NumberOfFrames", "DimensionOrganizationSequence", "DimensionIndexSequence")
_SIEMENS_B_VALUE, _GE_B_VALUE = Tag(0x0019, 0x100C), Tag(0x0043, 0x1039)
_PIXELS, _PIXEL_GROUP = ("PixelData", "FloatPixelData", "DoubleFloatPixelData"), 0x7FE0
_GE_B_OFFSET = 1_000_000_000
"""What GE adds to b values of trace images."""


def plain_headers(dataset: Dataset) -> list[Dataset]:
    """Return a header for each frame, in the words of classic single-frame instances.

    Args:
        dataset: a classic instance, or an enhanced one of many frames; it is not changed.

    Returns:
        headers without pixel data. A classic instance gives one, itself where it was read without pixels. Of an
        enhanced one, each carries the shared and its own functional groups at the top (position, orientation, spacing,
        rescale, timing, …), `EchoTime`, `InversionTime`, `ScanningSequence` and `ContrastBolusAgent` as in classic
        instances, and the number of the frame, from 1, as `InstanceNumber`; `SOPClassUID` and `SOPInstanceUID` are
        those of the instance. They share elements: copy one before changing it.
    """
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        return [_without_pixels(dataset)]
    top = Dataset()
    top.update(_without_pixels(dataset))
    for keyword in _NOT_OF_ONE_FRAME:
        top.pop(keyword, None)
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for group in _items(shared[0]):
        top.update(group)
    _put(top, _classic_words(top))
    headers = []
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence, start=1):
        header = Dataset()
        header.update(top)
        own = Dataset()
        for group in _items(frame):
            own.update(group)
        header.update(own)
        _put(header, {**_classic_words(own), "InstanceNumber": number})
        headers.append(header)
    return headers


def b_value(header: Dataset) -> float | None:
    """Return the b value in s/mm² of a plain header, from where its vendor keeps it; None without diffusion."""
    for value in (header.get("DiffusionBValue"), _private(header, _SIEMENS_B_VALUE), _private(header, _GE_B_VALUE)):
        try:
            found = float(value)
        except (TypeError, ValueError):
            continue
        return found - _GE_B_OFFSET if found >= _GE_B_OFFSET else found
    return None


def _items(groups: Dataset) -> Iterator[Dataset]:
    for element in groups:
        if element.VR == "SQ" and element.value:
            yield element.value[0]


def _classic_words(header: Dataset) -> dict[str, Any]:
    words: dict[str, Any] = {}
    if header.get("EffectiveEchoTime") is not None:
        words["EchoTime"] = header.EffectiveEchoTime
    if header.get("InversionTimes"):
        times = header.InversionTimes
        words["InversionTime"] = float(times if isinstance(times, (int, float)) else times[0])
    if header.get("FrameType"):
        words["ImageType"] = header.FrameType
    if header.get("EchoPulseSequence"):
        words["ScanningSequence"] = [
            *({"GRADIENT": ["GR"], "SPIN": ["SE"]}.get(header.EchoPulseSequence, ["GR", "SE"])),
            *(["EP"] if header.get("EchoPlanarPulseSequence") == "YES" else []),
            *(["IR"] if header.get("InversionRecovery") == "YES" else []),
        ]
    if header.get("ContrastBolusAgentSequence"):
        given = header.get("ContrastBolusAgentAdministered", "YES") != "NO"
        agent = header.ContrastBolusAgentSequence[0]
        words["ContrastBolusAgent"] = str(agent.get("CodeMeaning", "") or "named by a code") if given else "NONE"
    return words


def _put(header: Dataset, values: dict[str, Any]) -> None:
    """Set values in elements of their own: assigning would change the elements that headers share."""
    for keyword, value in values.items():
        header[keyword] = DataElement(tag_for_keyword(keyword), dictionary_VR(keyword), value)


def _without_pixels(dataset: Dataset) -> Dataset:
    if not any(keyword in dataset for keyword in _PIXELS):
        return dataset
    header = Dataset()
    tags = [tag for tag in list(dataset.keys()) if tag.group != _PIXEL_GROUP]
    for tag in tags:
        # what is malformed is left out: most of it matters to nobody, and what matters is missed by name
        with suppress(ValueError, TypeError, KeyError, NotImplementedError, OverflowError):
            header[tag] = dataset[tag]
    return header


def _private(header: Dataset, tag: Any) -> Any:
    if tag not in header:
        return None
    value = header[tag].value
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore").split("\\")
    return value if isinstance(value, (str, int, float)) or not value else value[0]
