"""Checksums to detect changes to a fused image or its sidecar."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .levels import to_levels
from .sidecar_schema import PICTURE_SIDECAR, RENAMED, VOLUME_SIDECAR

PROTECTED = sorted({*VOLUME_SIDECAR["properties"], *PICTURE_SIDECAR["properties"]} - set(RENAMED))


def record_id(content: Mapping[str, Any]) -> str:
    """Return the "FusionID" of a sidecar: 12 hexadecimal digits computed from its content.

    It covers every key of the schema except names that a user may change. Numbers are compared by value, so 2 and 2.0
    are equal.

    Args:
        content: content of the sidecar.
    """
    said = {key: _canonical(content[key]) for key in PROTECTED if key in content}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def voxel_digest(values: Any, dtype: str) -> str:
    """Return the SHA-256 of the stored numbers of a volume in [0, 1], in hexadecimal.

    It is computed from type, shape, and the levels of the integer type (0 is 0, 1 is its maximum) or the 32-bit floats,
    page by page along the last axis. It is therefore independent of compression, byte order, header and scale factor: a
    copy in another file or type has the same digest if it preserves every level.

    Args:
        values: [X, Y, Z] or [channels, X, Y, Z]; a tensor or an array.
        dtype: stored type, "float32" or an integer type.
    """
    values = np.asarray(values)
    digest = hashlib.sha256(f"{dtype} {tuple(values.shape)}".encode())
    for page in np.moveaxis(values, -1, 0):
        if dtype == "float32":
            stored = np.add(page, 0.0, dtype="<f4")  # -0 becomes 0
        else:
            highest = np.iinfo(dtype).max
            stored = to_levels(page, 1 / highest, 0.0, 0, highest).astype("<u2")
        digest.update(stored.tobytes())
    return digest.hexdigest()


def picture_digest(levels: np.ndarray) -> str:
    """Return the SHA-256 of the pixels of a picture, in hexadecimal.

    A colour picture that is grey everywhere counts as grey, as when it is read.

    Args:
        levels: [H, W] uint8 or uint16, or [H, W, 3] uint8.
    """
    if levels.ndim == 3 and (levels == levels[..., :1]).all():
        levels = levels[..., 0]
    digest = hashlib.sha256(f"{levels.dtype.name} {levels.shape}".encode())
    digest.update(levels.astype(levels.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(entry) for entry in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
