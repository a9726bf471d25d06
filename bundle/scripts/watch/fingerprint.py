"""Fingerprints: of the images of a study, and of a result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping


def fingerprint(images: Iterable[str]) -> str:
    """Return a fingerprint of images, whatever their order.

    Args:
        images: SOPInstanceUIDs.
    """
    return _digest(sorted(set(images)))


def result_key(used: str, settings: Mapping[str, str]) -> str:
    """Return what a result is known by: the same images fused in the same way give the same key.

    Args:
        used: fingerprint of the images that it is made of.
        settings: digest of each setting, see `scripts.cohort.settings`.
    """
    return _digest([used, sorted(settings.items())])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
