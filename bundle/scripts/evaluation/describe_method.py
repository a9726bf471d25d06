"""What tells one method from another beside its weights."""

from __future__ import annotations

import hashlib
from typing import Any

from torch import nn


def describe_method(network: nn.Module) -> dict[str, str]:
    """Name a method and its settings, to tell whether figures were measured with the same.

    Args:
        network: the method.

    Returns:
        "name": its class, and "sha256" of the settings of it and its parts; weights are not among them.
    """
    parts = [(name, type(module).__name__, _settings(module)) for name, module in network.named_modules()]
    return {"name": type(network).__name__, "sha256": hashlib.sha256(repr(parts).encode()).hexdigest()}


def _settings(module: nn.Module) -> list[tuple[str, Any]]:
    """Plain public attributes."""
    return [
        (name, value)
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and name != "training" and isinstance(value, (bool, int, float, str, tuple))
    ]
