"""Sidecars of fused images that no command made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.outputs.sidecar import save_sidecar, sidecar_content


def write_sidecar(path: Path, **content: Any) -> dict[str, Any]:
    """Write a sidecar of what `sidecar_content` takes, and return its content."""
    made = sidecar_content(**content)
    save_sidecar(path, made)
    return made
