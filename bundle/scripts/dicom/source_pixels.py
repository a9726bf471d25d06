"""Describe how the pixels of a source are stored, so that its estimate can be stored alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydicom import Dataset

from scripts.outputs.levels import to_levels

from .volume import SeriesVolume

ACQUISITION = [
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "EchoTrainLength",
    "InversionTime",
    "FlipAngle",
    "MagneticFieldStrength",
]
LEVELS = 65535
RESCALE_TYPES = ("US", "OD", "HU", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT", "normalized")
"""Units that the standard defines, and what Philips writes. Another text may hold anything and is not taken over."""
_TERMS: dict[str, set[str]] = {
    "ScanningSequence": {"SE", "IR", "GR", "EP", "RM"},
    "SequenceVariant": {"SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "NONE"},
    "ScanOptions": {"PER", "RG", "CG", "PPG", "FC", "PFF", "PFP", "SP", "FS"},
    "MRAcquisitionType": {"1D", "2D", "3D"},
}
"""The standard's terms for each keyword that holds words; the others hold numbers."""


def describe_source(volume: SeriesVolume) -> dict[str, Any]:
    """Describe how a source is stored and how it was acquired.

    Sources of more than 16 bits, or with a rescale of its own for each slice, have no way back into 16 bits: the range
    of their values is divided evenly then.

    Args:
        volume: the source as it was read.

    Returns:
        JSON-able: "Signed", "RescaleSlope", "RescaleIntercept", "RescaleType", and under "Acquisition" the header
        values of a magnetic resonance image that hold for its estimate as well. Numbers and the standard's terms only:
        nothing of the patient's identity.
    """
    first = volume.headers[0]
    rescales = {
        (float(header.get("RescaleSlope", 1) or 1), float(header.get("RescaleIntercept", 0) or 0))
        for header in volume.headers
    }
    if len(rescales) == 1 and int(first.get("BitsAllocated", 16)) <= 16:
        ((slope, intercept),) = rescales
        signed = bool(first.get("PixelRepresentation", 0))
    else:
        low, high = float(volume.volume.min()), float(volume.volume.max())
        slope, intercept, signed = (high - low) / LEVELS, low, False
    return known_description(
        {
            "Signed": signed,
            "RescaleSlope": slope,
            "RescaleIntercept": intercept,
            "RescaleType": str(first.get("RescaleType", "") or "US"),
            "Acquisition": {name: _plain(first, name) for name in ACQUISITION if name in first},
        }
    )


def known_description(description: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the numbers of a description and the words that the standard defines; free text may name the patient.

    Args:
        description: as `describe_source` returns it, be it read from a file.

    Returns:
        a new description. An unknown unit is "US" (unspecified), other unknown values are left out.
    """
    acquisition = description.get("Acquisition", {})
    known = {name: _known(name, acquisition[name]) for name in ACQUISITION if name in acquisition}
    unit = description.get("RescaleType", "US")
    return {
        "Signed": bool(description["Signed"]),
        "RescaleSlope": float(description["RescaleSlope"]),
        "RescaleIntercept": float(description["RescaleIntercept"]),
        "RescaleType": unit if unit in RESCALE_TYPES else "US",
        "Acquisition": {name: value for name, value in known.items() if value is not None},
    }


def nifti_dtype(description: Mapping[str, Any]) -> str:
    """Type in which an estimate is stored as NIfTI: the source's own where its values are whole numbers."""
    if (description["RescaleSlope"], description["RescaleIntercept"]) != (1.0, 0.0):
        return "float32"
    return "int16" if description["Signed"] else "uint16"


def stored_values(volume: np.ndarray, description: Mapping[str, Any]) -> np.ndarray:
    """Convert an estimate from the source's units to the source's stored numbers.

    Args:
        volume: [X, Y, Z] in the source's units, finite.
        description: what `describe_source` returned.

    Returns:
        int16 or uint16 [X, Y, Z], rounded and cut off at the type's ends.
    """
    dtype = np.int16 if description["Signed"] else np.uint16
    limits = np.iinfo(dtype)
    slope, intercept = description["RescaleSlope"], description["RescaleIntercept"]
    return to_levels(volume, slope, intercept, limits.min, limits.max).astype(dtype)


def series_number(volume: SeriesVolume) -> str:
    """Name the series of a source without its description, which may hold a patient's name."""
    number = volume.series.facts.number
    return "DICOM series" if number is None else f"DICOM series {number}"


def is_phantom(header: Dataset) -> bool:
    """Whether name or number of the patient say that it is a phantom."""
    return "phantom" in f"{header.get('PatientName', '')} {header.get('PatientID', '')}".lower()


def _plain(header: Dataset, keyword: str) -> Any:
    """Convert a header value to a JSON type; None if it cannot be read."""
    try:
        value = header[keyword].value
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float):
            return float(value)
        return [str(item) for item in value]
    except (TypeError, ValueError):
        return None


def _known(keyword: str, value: Any) -> Any:
    """Return a number or the known terms, None where there is neither."""
    if keyword not in _TERMS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if is_number else None
    words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    known = [word for word in words if isinstance(word, str) and word in _TERMS[keyword]]
    return (known[0] if isinstance(value, str) else known) if known else None
