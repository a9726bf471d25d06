"""One folder for each contrast: `t1ce/P1.nii.gz` beside `flair/P1.nii.gz`, or `P1/t1ce/any.nii.gz`.

Folders of segmentations (`labels/P1.nii.gz`) belong here, too.
"""

from __future__ import annotations

from scripts.data.contrasts import contrast_of_folder
from scripts.data.scan import Place

from .found import Context, Found


def recognise(place: Place, context: Context) -> list[Found] | str | None:
    """Recognise files in a folder that is named after a contrast; see `LAYOUTS`."""
    folder = place.folders[-1] if place.folders else ""
    contrast = contrast_of_folder(folder, context.sources)
    if contrast is None:
        return None
    above = place.folders[:-1]
    if len(context.scan.by_folder[place.folders]) == 1 and above and not context.is_role(above[-1]):
        return [Found("", contrast, place.folders)]
    return [Found(place.stem, contrast, context.home(above, place.stem))]
