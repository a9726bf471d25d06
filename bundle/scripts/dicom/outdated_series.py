"""Find series of earlier runs that do not belong to the fused image being written."""

from __future__ import annotations

import os
from pathlib import Path

from scripts.data.errors import BadInputError

from .read_file import read_dataset
from .series_words import MAP_KINDS, NAME

ENDINGS = ("_estimated", *(f"_{kind}" for kind in MAP_KINDS))
"""Endings of the names of their folders."""


def outdated_series(folder: str | os.PathLike[str]) -> list[Path]:
    """Find folders of estimates and maps that this bundle wrote next to a fused series.

    Like a NIfTI file, see `scripts.outputs.outdated`, a map next to the wrong fused series would mislead.

    Args:
        folder: folder of the patient.

    Returns:
        folders that hold files of this bundle only.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if path.name.endswith(ENDINGS) and _is_ours(path)]


def _is_ours(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    files = sorted(folder.iterdir())
    if not files or any(file.suffix != ".dcm" for file in files):
        return False
    try:
        return str(read_dataset(files[0], pixels=False, keywords=["Manufacturer"]).get("Manufacturer")) == NAME
    except BadInputError:
        return False
