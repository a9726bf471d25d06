"""Results of an earlier run, which belong to another fused image than the one that is being written."""

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
"""Ends of the other files of a patient; what stands before is the name alone."""
MARK = b"FusionINN"
"""What the header of every volume of this bundle begins with."""


def outdated_files(
    folder: str | os.PathLike[str], patient: str, keep: Iterable[str | os.PathLike[str]] = ()
) -> list[Path]:
    """Find what earlier runs wrote of a patient next to its fused image: maps, latent, decomposed images, pictures.

    A map next to a fused image that it does not belong to would mislead, so these files go when a new set comes, see
    `scripts.outputs.staged`. Fused image and sidecar are not among them: every new set replaces them.

    Args:
        folder: folder of the patient.
        patient: name of the patient.
        keep: files that are still needed, for instance the sources. Defaults to none.

    Returns:
        the files.
    """
    folder = Path(folder)
    needed = {Path(file).expanduser().resolve() for file in keep}
    found = [folder / f"{patient}{ending}" for ending in NAMED]
    found += [path for path in sorted(folder.glob(f"{escape(patient)}_*.nii*")) if _is_part(path)]
    return [path for path in found if path.is_file() and path.resolve() not in needed]


def check_same_fusion(fused_json: str | os.PathLike[str], fusion: str | None) -> bool:
    """Whether a fused image lies where its parts are to be written.

    Args:
        fused_json: its sidecar, if there is one.
        fusion: id of the fused image that the parts are of, None where it is not known.

    Raises:
        BadInputError: when it is another one.
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
    """Whether this bundle wrote a volume beside a fused image; there may be files of other programs."""
    if not path.is_file() or not without_extension(path).endswith(PARTS):
        return False
    try:
        return bytes(nib.load(path).header["descrip"].item()).startswith(MARK)
    except (OSError, EOFError, ValueError, KeyError, nib.filebasedimages.ImageFileError):
        return False
