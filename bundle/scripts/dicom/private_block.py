"""Private elements of a derived image that hold what decomposing it needs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.sequence import Sequence as Items

from scripts import __version__
from scripts.data.errors import BadInputError
from scripts.data.safe_names import shown
from scripts.data.strict_json import parse_json
from scripts.outputs.sidecar_schema import REQUIRED

GROUP, CREATOR = 0x0071, "FUSIONINN"
KIND, VERSION, SIDECAR, DIGEST = 0x01, 0x02, 0x03, 0x04
FUSED, ESTIMATE = "fused", "estimate"
KINDS = (FUSED, ESTIMATE)
AGAIN = "Fetch the series again, or give the JSON file that was written with it by --sidecar."
SAID = (
    *REQUIRED,
    "Shape",
    "Affine",
    "FusionID",
    "SourceDtypes",
    "SourceSeries",
    "Reference",
    "SliceSHA256",
    "SSIM",
    "Registration",
    "Typicality",
)
"""Keys of the sidecar that are written. Others, such as "Patient" and "Warnings", may hold text about the patient."""


@dataclass(frozen=True)
class Block:
    """Content of the private elements.

    Args:
        kind: "fused" or "estimate".
        version: of the bundle that wrote it.
        sidecar: see `scripts.outputs.sidecar`.
    """

    kind: str
    version: str
    sidecar: dict[str, Any]


def write_block(dataset: Dataset, kind: str, sidecar: Mapping[str, Any]) -> None:
    """Add the private elements, and declare them safe to keep in de-identification.

    Args:
        dataset: the image, changed in place.
        kind: "fused" or "estimate".
        sidecar: JSON-able; only the keys of `SAID` are written.
    """
    if kind not in KINDS:
        raise ValueError(f"kind ({kind}) must be one of {', '.join(KINDS)}.")
    said = {key: sidecar[key] for key in SAID if key in sidecar}
    text = json.dumps(said, separators=(",", ":"), allow_nan=False)
    block = dataset.private_block(GROUP, CREATOR, create=True)
    block.add_new(KIND, "LO", kind)
    block.add_new(VERSION, "LO", __version__)
    block.add_new(SIDECAR, "UT", text)
    block.add_new(DIGEST, "LO", _digest(kind, text))
    safe = Dataset()
    safe.PrivateGroupReference = GROUP
    safe.PrivateCreatorReference = CREATOR
    safe.BlockIdentifyingInformationStatus = "SAFE"
    dataset.PrivateDataElementCharacteristicsSequence = Items([safe])


def read_block(dataset: Dataset, path: str | os.PathLike[str]) -> Block | None:
    """Read the private elements.

    Args:
        dataset: the image.
        path: its file, for messages.

    Returns:
        their content, or None if the file has no such elements.

    Raises:
        BadInputError: they are damaged.
    """
    try:
        block = dataset.private_block(GROUP, CREATOR)
        kind, version, text = (_text(block[element].value) for element in (KIND, VERSION, SIDECAR))
        # Version 0.4.0 wrote no digest.
        digest = _text(block[DIGEST].value) if DIGEST in block else None
    except KeyError:
        return None
    if digest is not None and digest != _digest(kind, text):
        raise BadInputError(
            f"{path}: the private elements that lead back to the sources were changed since they were written (their "
            f"checksum differs). {AGAIN}"
        )
    try:
        content = parse_json(text, "their record")
        if not isinstance(content, dict) or kind not in KINDS:
            raise ValueError(f"kind '{shown(kind)}'")
    except ValueError as error:
        raise BadInputError(
            f"{path}: the private elements that lead back to the sources are damaged ({shown(error)}). {AGAIN}"
        ) from error
    return Block(kind, version, content)


def _digest(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}\0{text}".encode()).hexdigest()


def _text(value: Any) -> str:
    """Follow archives that keep private elements without their type: bytes, padded to an even length."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text.rstrip(" \0")
