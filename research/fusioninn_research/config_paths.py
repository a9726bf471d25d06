"""Where a config lies that a table names."""

from __future__ import annotations

from pathlib import Path

from scripts import BUNDLE_ROOT

from . import RESEARCH_ROOT

OURS = "research/"
"""What the name of a config of this folder begins with."""


def config_path(name: str) -> str:
    """Return the path of a config.

    Args:
        name: relative to the bundle's configs, for instance "crops.json"; one of this folder begins with "research/",
            for instance "research/small.json".
    """
    root = RESEARCH_ROOT if name.startswith(OURS) else BUNDLE_ROOT
    return str(Path(root) / "configs" / name.removeprefix(OURS))
