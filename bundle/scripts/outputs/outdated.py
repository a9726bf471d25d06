"""Find results of earlier runs that do not belong to the fused image being written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import escape
from pathlib import Path

import nibabel as nib

from scripts.data.discovery import OWN_OUTPUTS
from scripts.data.errors import BadInputError
from scripts.data.naming import without_extension

from .sidecar import read_sidecar

PARTS = tuple(ending for ending in OWN_OUTPUTS if ending != "_fused")
NAMED = ("_overview.png", "_decomposed_overview.png", "_uncertainty.json", "_report.html")
"""Endings of a patient's other files, directly after the patient's name."""
MARK = b"FusionINN"
"""Beginning of the header text of every volume written by this bundle."""


def outdated_files(
    folder: str | os.PathLike[str], patient: str, keep: Iterable[str | os.PathLike[str]] = ()
) -> list[Path]:
    """Find files that earlier runs wrote next to a patient's fused image: maps, latent, decomposed images, pictures.

    A map next to the wrong fused image would mislead, so these files are removed when a new set is written, see
    `scripts.outputs.staged`. Fused image and sidecar are not included, because every new set replaces them.

    Args:
        folder: folder of the patient.
        patient: name of the patient.
        keep: files that are still needed, such as the sources. Defaults to none.

    Returns:
        the files.
    """
    folder = Path(folder)
    needed = {Path(file).expanduser().resolve() for file in keep}
    found = [folder / f"{patient}{ending}" for ending in NAMED]
    found += [path for path in sorted(folder.glob(f"{escape(patient)}_*.nii*")) if _is_part(path)]
    return [path for path in found if path.is_file() and path.resolve() not in needed]


def check_same_fusion(fused_json: str | os.PathLike[str], fusion: str | None) -> bool:
    """Whether the folder of the results contains the fused image that they belong to.

    Args:
        fused_json: sidecar of the fused image in that folder, which may be missing.
        fusion: id of the fused image that the results belong to; None if unknown.

    Raises:
        BadInputError: when it contains a different one.
    """
    if not Path(fused_json).is_file():
        return False
    there = read_sidecar(fused_json).get("FusionID")
    if there != fusion:
        raise BadInputError(
            f"{Path(fused_json).parent} holds another fused image of the same name (id {there}, this one has "
            f"{fusion}), whose results would be mixed with these. Choose another --output_dir."
        )
    return True


def _is_part(path: Path) -> bool:
    """Whether this bundle wrote a volume next to a fused image; other files belong to other programs."""
    return path.is_file() and without_extension(path).endswith(PARTS) and is_own_volume(path)


def is_own_volume(path: Path) -> bool:
    """Whether the header of a volume says that this bundle wrote it."""
    try:
        return bytes(nib.load(path).header["descrip"].item()).startswith(MARK)
    except (OSError, EOFError, ValueError, KeyError, nib.filebasedimages.ImageFileError):
        return False
