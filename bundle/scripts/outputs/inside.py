"""Keep folders of results inside the output folder."""

from __future__ import annotations

import os
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.data.safe_names import shown


def folder_inside(output_dir: str | os.PathLike[str], name: str) -> Path:
    """Return the folder of a patient's results in the output folder.

    Args:
        output_dir: folder for all patients.
        name: name of the patient's folder.

    Raises:
        BadInputError: the name does not denote a folder in `output_dir`, or is a link to a place outside.
    """
    root = Path(output_dir)
    folder = root / name
    if name in ("", ".", "..") or "\0" in name or folder.name != name:
        raise BadInputError(
            f"'{shown(name)}' cannot name a folder of results: it would be outside {root}. Rename the patient."
        )
    if folder.is_symlink() and not folder.resolve().is_relative_to(root.resolve()):
        raise BadInputError(
            f"{folder} is a link to {folder.resolve()}, outside the output folder, so nothing was written. Remove "
            "the link, or choose another --output_dir."
        )
    return folder
