"""What leads back to the sources, in private elements of a derived image."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.sequence import Sequence as Items

from scripts import __version__
from scripts.data.errors import BadInputError

GROUP, CREATOR = 0x0071, "FUSIONINN"
KIND, VERSION, SIDECAR = 0x01, 0x02, 0x03
FUSED, ESTIMATE = "fused", "estimate"
KINDS = (FUSED, ESTIMATE)
UNSAID = ("Patient",)
"""Keys of the sidecar that stay out: a folder may be named for a patient where that was asked for."""


@dataclass(frozen=True)
class Block:
    """What stood in the private elements.

    Args:
        kind: "fused" or "estimate".
        version: of the bundle that wrote it.
        sidecar: see `scripts.outputs.sidecar`.
    """

    kind: str
    version: str
    sidecar: dict[str, Any]


def write_block(dataset: Dataset, kind: str, sidecar: Mapping[str, Any]) -> None:
    """Add the private elements, and say that they are safe to keep when an image is stripped of its identity.

    Args:
        dataset: the image, changed in place.
        kind: "fused" or "estimate".
        sidecar: JSON-able. It must not hold anything of the patient's identity.
    """
    if kind not in KINDS:
        raise ValueError(f"kind ({kind}) must be one of {', '.join(KINDS)}.")
    said = {key: value for key, value in sidecar.items() if key not in UNSAID}
    block = dataset.private_block(GROUP, CREATOR, create=True)
    block.add_new(KIND, "LO", kind)
    block.add_new(VERSION, "LO", __version__)
    block.add_new(SIDECAR, "UT", json.dumps(said, separators=(",", ":"), allow_nan=False))
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
        their content, or None where there are none.

    Raises:
        BadInputError: they are damaged.
    """
    try:
        block = dataset.private_block(GROUP, CREATOR)
        kind, version, text = (_text(block[element].value) for element in (KIND, VERSION, SIDECAR))
    except KeyError:
        return None
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or kind not in KINDS:
            raise ValueError(f"kind {kind!r}")
    except ValueError as error:
        raise BadInputError(
            f"{path}: the private elements that lead back to the sources are damaged ({error}). Fetch the series "
            "again, or give the JSON file that was written with it by --sidecar."
        ) from error
    return Block(kind, version, content)


def _text(value: Any) -> str:
    """Follow archives that keep private elements without their type: bytes, padded to an even length."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text.rstrip(" \0")
