"""Describe a method apart from its weights."""

from __future__ import annotations

import hashlib
from typing import Any

from torch import nn


def describe_method(network: nn.Module) -> dict[str, str]:
    """Describe a method and its settings, to check whether scores were measured with the same ones.

    Args:
        network: the method.

    Returns:
        "name": its class, and "sha256": checksum of its settings and those of its parts, without weights.
    """
    parts = [(name, type(module).__name__, _settings(module)) for name, module in network.named_modules()]
    return {"name": type(network).__name__, "sha256": hashlib.sha256(repr(parts).encode()).hexdigest()}


def _settings(module: nn.Module) -> list[tuple[str, Any]]:
    """Return the plain public attributes."""
    return [
        (name, value)
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and name != "training" and isinstance(value, (bool, int, float, str, tuple))
    ]
