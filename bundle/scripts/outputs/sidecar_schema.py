"""JSON schema of the sidecar of a fused image."""

from __future__ import annotations

from typing import Any

MOST_SOURCES = 64
LARGEST = 3.4028235e38
"""Largest 32-bit float; all intensities are computed in this type."""
LONGEST_AXIS = 32767
"""Largest size of an axis in a NIfTI header."""

_TEXT = {"type": "string", "description": "a text"}
_TEXTS = {"type": "array", "items": _TEXT, "description": "a list of texts"}
_AXIS = {"type": "integer", "minimum": 0, "maximum": 2, "description": "a whole number: 0, 1 or 2"}
_SIZE = {
    "type": "integer",
    "minimum": 1,
    "maximum": LONGEST_AXIS,
    "description": f"a whole number from 1 to {LONGEST_AXIS}",
}
_SHA256 = {"type": "string", "pattern": r"^[0-9a-f]{64}\Z", "description": "64 hexadecimal digits"}
_FILE = {"type": "string", "format": "file-name", "description": "the name of a file in the same folder"}
_FILES = {"type": "array", "items": _FILE, "description": "names of files in the same folder"}
_NUMBER = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST, "description": "a finite number"}
_SPAN = {"type": "number", "minimum": 0, "maximum": LARGEST, "description": "a finite number from 0 on"}
_GREY = {"enum": ["uint8", "int16", "uint16", "float32"], "description": "uint8, int16, uint16 or float32"}
_SCORE = {"type": ["number", "null"], "minimum": -1, "maximum": 1, "description": "a number from -1 to 1, or null"}


def _rows(number: dict[str, Any]) -> dict[str, Any]:
    row = {"type": "array", "items": number, "minItems": 1, "description": "a list of numbers"}
    return {"type": "array", "items": row, "description": "a list of numbers for each source"}


_SCALE = {
    "type": "object",
    "description": "an object",
    "required": ["mode", "slice_axis", "offset", "factor"],
    "properties": {
        "mode": {"enum": ["slice", "volume"], "description": "slice or volume"},
        "slice_axis": _AXIS,
        "offset": _rows(_NUMBER),
        "factor": _rows(_SPAN),
    },
}

_TYPICALITY = {
    "type": "object",
    "description": "an object",
    "required": ["Score", "Threshold", "Unusual", "LikelyReason"],
    "properties": {
        "Score": _NUMBER,
        "Threshold": _NUMBER,
        "Unusual": {"type": "boolean", "description": "true or false"},
        "LikelyReason": {"type": ["string", "null"], "description": "a text or null"},
    },
}

_SEGMENTATION = {
    "type": "object",
    "description": "an object",
    "required": ["Segments"],
    "properties": {
        "Segments": {
            "type": "object",
            "description": "a description of each label",
            "additionalProperties": {
                "type": "object",
                "description": "an object",
                "required": ["Name", "Series", "Number"],
                "properties": {
                    "Name": _TEXT,
                    "Series": _TEXT,
                    "Number": {"type": "integer", "description": "a whole number"},
                },
            },
        }
    },
}

_COMMON: dict[str, Any] = {
    "Description": _TEXT,
    "ResearchUseOnly": _TEXT,
    "GeneratedBy": {
        "type": "array",
        "minItems": 1,
        "description": "a list of programs",
        "items": {
            "type": "object",
            "description": "an object",
            "properties": {"Name": _TEXT, "Version": _TEXT},
        },
    },
    "Sources": _TEXTS,
    "SourceModalities": {
        "type": "array",
        "description": f"a list of different names, at most {MOST_SOURCES}",
        "items": _TEXT,
        "minItems": 1,
        "maxItems": MOST_SOURCES,
        "uniqueItems": True,
    },
    "SliceAxis": _AXIS,
    "IntensityScale": _SCALE,
    "StoredDtype": _GREY,
    "LatentKind": {
        "enum": ["normal", "zeros", "ones", "uniform"],
        "description": "normal, zeros, ones or uniform",
    },
    "CheckpointSHA256": _SHA256,
    "FusedSHA256": _SHA256,
    "FusionID": {"type": "string", "pattern": r"^[0-9a-f]{12}\Z", "description": "12 hexadecimal digits"},
    "SSIM": {
        "type": "object",
        "description": "an object",
        "additionalProperties": {"type": "object", "additionalProperties": _SCORE, "description": "a score by source"},
    },
    "Typicality": _TYPICALITY,
}
REQUIRED = (
    "Description",
    "ResearchUseOnly",
    "GeneratedBy",
    "Sources",
    "SourceModalities",
    "SliceAxis",
    "IntensityScale",
    "StoredDtype",
    "LatentKind",
    "CheckpointSHA256",
)

VOLUME_SIDECAR: dict[str, Any] = {
    "type": "object",
    "description": "a JSON object",
    "required": list(REQUIRED),
    "properties": {
        **_COMMON,
        # They become part of file names.
        "SourceModalities": {
            **_COMMON["SourceModalities"],
            "items": {
                "type": "string",
                "format": "word",
                "description": "a name of letters, digits, '_', '-' and '.', as 't1gd'",
            },
        },
        "Patient": _TEXT,
        "Shape": {"type": "array", "items": _SIZE, "minItems": 3, "maxItems": 3, "description": "three whole numbers"},
        "Affine": {
            "type": "array",
            "minItems": 3,
            "maxItems": 3,
            "description": "three rows of four numbers",
            "items": {
                "type": "array",
                "items": _NUMBER,
                "minItems": 4,
                "maxItems": 4,
                "description": "a row of four numbers",
            },
        },
        "SourceDtypes": {"type": "array", "items": _GREY, "description": "a type for each source"},
        "LatentFile": _FILE,
        "LatentSHA256": _SHA256,
        "Contribution": _TEXT,
        "ContributionFiles": _FILES,
        "ContributionSeries": _FILES,
        "Uncertainty": _TEXT,
        "UncertaintyFiles": _FILES,
        "UncertaintySeries": _FILES,
        "Registration": {"type": "object", "description": "an object"},
        "Preparation": _TEXTS,
        "Segmentation": _SEGMENTATION,
        "Warnings": _TEXTS,
        # Of DICOM studies; `scripts.dicom` checks them further.
        "SourceSeries": {"type": "object", "description": "a description of each source"},
        "SliceSHA256": _TEXTS,
        "Reference": _TEXT,
    },
}

PICTURE_SIDECAR: dict[str, Any] = {
    "type": "object",
    "description": "a JSON object",
    "required": list(REQUIRED),
    "properties": {
        **_COMMON,
        "Picture": _TEXT,
        "Shape": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 2**31, "description": "a whole number from 1 on"},
            "minItems": 2,
            "maxItems": 2,
            "description": "height and width",
        },
        "SourceBits": {
            "type": "array",
            "items": {"type": "integer", "enum": [8, 16], "description": "8 or 16"},
            "description": "8 or 16 for each source",
        },
        "ColourFrom": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MOST_SOURCES,
            "description": "the number of a source, or null",
        },
    },
}

RENAMED = ("Patient", "Picture", "LatentFile", "FusionID")
"""Keys not covered by `FusionID`: file names, which a user may change, and the id itself."""
