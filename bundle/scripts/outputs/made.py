"""Kinds of files that a command made, for its last lines: thousands of patients have the same few."""

from __future__ import annotations

import os
from pathlib import Path

from scripts.data.bids_name import read_own_result

MANY_IN_ONE = (".dcm",)
"""Endings of files of which there are many of one kind in a folder."""


def kind_of(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None, case: str = "", unit: str = "") -> str:
    """Return the path of a file with its case's name replaced by the unit's.

    Args:
        path: the file.
        folder: the output folder, which stays as it is. Defaults to None (unknown).
        case: name of the patient, study or picture. Defaults to "" (the file belongs to none).
        unit: what cases are called, such as "patient".

    Returns:
        for instance "OUT/<patient>/<patient>_fused.nii.gz", or, in a BIDS derivative,
        "OUT/sub-<label>/anat/sub-<label>_desc-fused_T1w.nii.gz".
    """
    path = Path(path)
    root = Path(folder).expanduser() if folder else None
    inner = path.relative_to(root) if root is not None and path.is_relative_to(root) else path
    parts = [f"<{unit}>{part[len(case) :]}" if case and part.startswith(case) else part for part in inner.parts]
    own = read_own_result(path.name.split(".")[0])
    if own is not None:
        named = dict.fromkeys(own.beginning.split("_"))
        parts = [f"{part[:3]}-<label>" if part in named else part for part in inner.parts[:-1]]
        labels = "_".join(f"{name[:3]}-<label>" for name in named)
        parts.append(f"{labels}{path.name[len(own.beginning) :]}")
    if path.suffix in MANY_IN_ONE:
        parts[-1] = f"*{path.suffix}"
    kind = Path(*parts)
    return (root / kind if root is not None and inner is not path else kind).as_posix()
