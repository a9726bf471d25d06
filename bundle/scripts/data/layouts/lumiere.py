"""LUMIERE: `Patient-001/week-000-1/CT1.nii.gz`, with two programs' registered images and segmentations below it."""

from __future__ import annotations

import re

from scripts.data.contrasts import SEG, read_words
from scripts.data.scan import Place

from .found import Context, Found

_PATIENT = re.compile(r"^Patient-\d+$", re.IGNORECASE)
_WEEK = re.compile(r"^week-\d+(-\d+)?$", re.IGNORECASE)
_SPACES = ("registered", "atlas")
_SHOWING = ("seg_mask", "segmentation")


def recognise(place: Place, context: Context) -> list[Found] | str | None:
    """Recognise files below `Patient-*/week-*`; see `LAYOUTS`."""
    folders = place.folders
    week = next((i for i, folder in enumerate(folders) if i and _WEEK.match(folder)), None)
    if week is None or not _PATIENT.match(folders[week - 1]):
        return None
    patient, home, below = f"{folders[week - 1]}_{folders[week]}", folders[: week - 1], folders[week + 1 :]
    # The archive can unpack to FLAIR.nii/FLAIR.nii.
    below = tuple(folder for folder in below if not folder.lower().endswith((".nii", ".nii.gz")))
    stem = place.stem.lower()
    space = "/".join(below[:2]) if len(below) > 1 and below[1] in _SPACES else ""
    if space and stem in _SHOWING:
        return [Found(patient, SEG, home, space)]
    words = read_words(stem, context.sources, bare=True)
    if words is None or words.contrast == SEG or (below and not space):
        return "not an image, or a segmentation in the space of one image only"
    return [Found(patient, words.contrast, home, space)]
