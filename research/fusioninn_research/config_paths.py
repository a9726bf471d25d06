"""Paths of the configs that a table names."""

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


def method_config(method: str) -> str:
    """Return the name of a method's config, for `config_path`.

    Args:
        method: stem of a file in ``configs/methods``, of this folder ("unet") or of the bundle ("fusioninn").
    """
    name = f"methods/{method}.json"
    return OURS + name if Path(config_path(OURS + name)).is_file() else name
