from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from scripts.data.errors import BadInputError

from .source_text import read_element

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_NOT_OF_ONE_FRAME = (*_GROUPS, "NumberOfFrames", "DimensionOrganizationSequence", "DimensionIndexSequence")
_CONVERTED = (
    *("ScanningSequence", "SequenceVariant", "ScanOptions", "SequenceName", "RepetitionTime", "EchoTime"),
    *("InversionTime", "FlipAngle", "ContrastBolusAgent", "AcquisitionNumber", "TemporalPositionIdentifier"),
)
_MACROS: dict[str, tuple[str, ...]] = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth"),
    "FrameContentSequence": ("FrameAcquisitionNumber", "TemporalPositionIndex"),
    "MRImageFrameTypeSequence": ("FrameType", "ComplexImageComponent", "AcquisitionContrast"),
    "MRTimingAndRelatedParametersSequence": ("RepetitionTime", "FlipAngle", "EchoTrainLength"),
    "MREchoSequence": ("EffectiveEchoTime",),
    "MRModifierSequence": ("InversionRecovery", "InversionTimes"),
    "MRDiffusionSequence": ("DiffusionBValue", "DiffusionDirectionality", "DiffusionGradientDirectionSequence"),
    "SegmentIdentificationSequence": ("ReferencedSegmentNumber",),
    "ContrastBolusUsageSequence": ("ContrastBolusAgentAdministered",),
    "UnassignedSharedConvertedAttributesSequence": _CONVERTED,
    "UnassignedPerFrameConvertedAttributesSequence": _CONVERTED,
}
"""What is read from which functional group macro of the standard. Private groups are never read: those of Philips
repeat the position, the rescale and the UID of other, classic instances."""
_NOT_MAGNITUDE = ("PHASE", "REAL", "IMAGINARY")
_SIEMENS_B_VALUE, _GE_B_VALUE = Tag(0x0019, 0x100C), Tag(0x0043, 0x1039)
_CREATORS = {_SIEMENS_B_VALUE: "SIEMENS MR HEADER", _GE_B_VALUE: "GEMS_PARM_01"}
_NUMERIC = ("DS", "FD", "FL", "IS", "SL", "SS", "UL", "US", "US or SS")
_PIXEL_GROUP = 0x7FE0
_NEEDED = {
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Rows"),
    *("Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "ImagePositionPatient", "ImageOrientationPatient"),
    *("PixelSpacing", "SpacingBetweenSlices", "RescaleSlope", "RescaleIntercept", *_GROUPS),
    *("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"),
    "PixelValueTransformationSequence",
}
"""Keywords of what decides on voxels and their place: where such a value is malformed, the file is not read."""
_GE_B_OFFSET = 1_000_000_000
"""What GE adds to b values of trace images."""


def plain_headers(dataset: Dataset) -> list[Dataset]:
    """Return a header for each frame, as classic single-frame instances have it.

    Args:
        dataset: a classic instance, or an enhanced one of many frames; it is not changed.

    Returns:
        headers without pixel data. A classic instance gives one. Of an enhanced one, each carries the values of the
        standard's functional groups at the top, its own over the shared ones (position, orientation, spacing, rescale,
        timing, …), `EchoTime`, `InversionTime`, `ScanningSequence` and `ContrastBolusAgent` as in classic instances,
        and the number of the frame, from 1, as `InstanceNumber`; `SOPClassUID` and `SOPInstanceUID` are those of the
        instance. They share elements: copy one before changing it.
        Malformed values are left out.

    Raises:
        BadInputError: a value is malformed that decides on voxels or their place, or frames are missing.
    """
    top = _elements(dataset, [tag for tag in list(dataset.keys()) if tag.group != _PIXEL_GROUP])
    if "PerFrameFunctionalGroupsSequence" not in top:
        return [top]
    groups = top.PerFrameFunctionalGroupsSequence or []
    if not groups or len(groups) != int(top.get("NumberOfFrames") or 1):
        raise BadInputError(
            f"damaged DICOM: Number of Frames is {top.get('NumberOfFrames')}, but {len(groups)} frames are described. "
            "Export or copy it again"
        )
    shared_groups = top.get("SharedFunctionalGroupsSequence") or []
    for keyword in _NOT_OF_ONE_FRAME:
        top.pop(keyword, None)
    for shared in shared_groups[:1]:
        top.update(_standard_values(shared))
    headers = []
    for number, frame in enumerate(groups, start=1):
        header = Dataset()
        header.update(top)
        header.update(_standard_values(frame))
        _put(header, {**_classic_words(header), "InstanceNumber": number})
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


def _standard_values(groups: Dataset) -> Dataset:
    """Values of the functional groups that this package knows, without what lies deeper or is private."""
    values = Dataset()
    for macro in _elements(groups, map(tag_for_keyword, _MACROS)):
        for item in macro.value[:1]:
            values.update(_elements(item, map(tag_for_keyword, _MACROS[macro.keyword])))
    return values


def _elements(dataset: Dataset, tags: Iterable[Any]) -> Dataset:
    """Copy elements except malformed ones; malformed elements that matter are refused later."""
    found = Dataset()
    for tag in tags:
        if tag not in dataset:
            continue
        try:
            element = read_element(dataset, tag)
            malformed = not _is_number(element)
        except Exception:  # the faults of damaged values are many
            malformed = True
        if not malformed:
            found[tag] = element
        elif keyword_for_tag(tag) in _NEEDED:
            raise BadInputError(f"damaged DICOM: {keyword_for_tag(tag)} is malformed. Export or copy it again")
    return found


def _is_number(element: DataElement) -> bool:
    """Whether the value conforms to the standard; pydicom turns unreadable numbers into text."""
    if element.is_private or not dictionary_has_tag(element.tag) or dictionary_VR(element.tag) not in _NUMERIC:
        return True
    value = element.value
    values = value if isinstance(value, (list, MultiValue)) else [value]
    return all(isinstance(one, (int, float, Decimal)) or one in (None, "") for one in values)


def _classic_words(header: Dataset) -> dict[str, Any]:
    words: dict[str, Any] = {}
    if header.get("EffectiveEchoTime") is not None:
        words["EchoTime"] = header.EffectiveEchoTime
    if header.get("InversionTimes"):
        times = header.InversionTimes
        words["InversionTime"] = float(times if isinstance(times, (int, float)) else times[0])
    if header.get("FrameType"):
        component = str(header.get("ComplexImageComponent", ""))
        words["ImageType"] = [*header.FrameType, *([component] if component in _NOT_MAGNITUDE else [])]
    if header.get("FrameAcquisitionNumber") is not None:
        words["AcquisitionNumber"] = header.FrameAcquisitionNumber
    if header.get("TemporalPositionIndex") is not None:
        words["TemporalPositionIdentifier"] = header.TemporalPositionIndex
    for direction in (header.get("DiffusionGradientDirectionSequence") or [])[:1]:
        words["DiffusionGradientOrientation"] = direction.get("DiffusionGradientOrientation")
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


def _private(header: Dataset, tag: Any) -> Any:
    """Value of a private element, unless another vendor than expected reserved its block."""
    creator = Tag(tag.group, tag.element >> 8)
    if tag not in header or (creator in header and _CREATORS[tag] not in str(header[creator].value)):
        return None
    value = header[tag].value
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore").split("\\")
    return value if isinstance(value, (str, int, float)) or not value else value[0]
