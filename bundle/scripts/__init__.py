"""FusionINN: decomposable medical image fusion with an invertible network."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.7.0"

BUNDLE_ROOT = str(Path(__file__).resolve().parent.parent)
"""Folder that holds `configs`, `models`, `scripts` and `docs`, wherever the command is run from."""

RESEARCH_NOTICE = "For research use only. Not for diagnosis or treatment."
