"""Research on FusionINN: the paper's comparison and our own measurements, with the code of the bundle beside it."""

from __future__ import annotations

import sys
from pathlib import Path

RESEARCH_ROOT = str(Path(__file__).resolve().parent.parent)
"""Folder that holds `configs`, `docs` and this package."""

_BUNDLE = str(Path(RESEARCH_ROOT).parent / "bundle")
if _BUNDLE not in map(str, (Path(entry).resolve() for entry in sys.path)):
    # MONAI makes only the code beside the first config importable, and that may be a config of this folder.
    sys.path.append(_BUNDLE)
