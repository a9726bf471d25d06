"""Folder layouts. To add one, write a new file here and add a line to `LAYOUTS`."""

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
"""Called in order until one recognises the file. Each returns the images in the file, the reason why it is skipped as
text, or None if the file does not belong to the layout."""


def recognise(place: Place, context: Context) -> list[Found] | str:
    """Return the images in a file, or why it is skipped."""
    for layout in LAYOUTS:
        found = layout(place, context)
        if found is not None:
            return found
    return "no known contrast in the name"
