"""BraTS 2012-2015: `HG/0001/VSD.Brain.XX.O.MR_T1c/VSD.Brain.XX.O.MR_T1c.686.mha`."""

from __future__ import annotations

import re

from scripts.data.contrasts import SEG, read_words
from scripts.data.scan import Place

from .found import Context, Found

_IMAGE = re.compile(r"^VSD\.Brain\.[\w.]*?MR_(\w+?)(?:\.\d+)?$", re.IGNORECASE)
_SEGMENTATION = re.compile(r"^VSD\.Brain_\w+\.[\w.]*?OT(?:\.\d+)?$", re.IGNORECASE)


def recognise(place: Place, context: Context) -> list[Found] | str | None:
    """Recognise names that begin with `VSD.Brain`; see `LAYOUTS`."""
    image = _IMAGE.match(place.stem)
    if not image and not _SEGMENTATION.match(place.stem):
        return None
    folders = tuple(folder for folder in place.folders if not folder.startswith("VSD."))
    if not image:
        return [Found("", SEG, folders)]
    words = read_words(image[1], context.sources)
    return [Found("", words.contrast, folders)] if words else f"MR_{image[1]} is not a contrast to fuse"
