"""Folder layouts. A new one is a new file here and a line in `LAYOUTS`."""

from __future__ import annotations

from collections.abc import Callable

from scripts.data.scan import Place

from . import bids, brats_2013, contrast_folders, lumiere, named_files, task
from .found import Context, Found

Recogniser = Callable[[Place, Context], list[Found] | str | None]

LAYOUTS: tuple[Recogniser, ...] = (
    task.recognise,
    bids.recognise,
    brats_2013.recognise,
    lumiere.recognise,
    named_files.recognise,
    contrast_folders.recognise,
)
"""Asked one after the other what a file is, until one knows it: the images in the file, or, as text, why it is none to
use; None where the file does not belong to the layout."""


def recognise(place: Place, context: Context) -> list[Found] | str:
    """Return what images a file holds, or why it is not taken."""
    for layout in LAYOUTS:
        found = layout(place, context)
        if found is not None:
            return found
    return "no known contrast in the name"
