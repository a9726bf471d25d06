"""The contrast ends the file name: BraTS since 2017, UPENN-GBM, UCSF-PDGM, RHUH-GBM and most others.

`X/X_t1ce.nii.gz`, `X/X-t1c.nii.gz`, `images_structural/X/X_T1GD.nii.gz`, `X_T1c_bias.nii.gz`, `X/flair.nii.gz`.
"""

from __future__ import annotations

from scripts.data.contrasts import AUTOMATIC_SEG, MASK, SEG, contrast_of_folder, read_words
from scripts.data.scan import Place

from .found import Context, Found


def recognise(place: Place, context: Context) -> list[Found] | str | None:
    """Recognise the words of `CONTRASTS` and the names of other sources; see `LAYOUTS`."""
    words = read_words(place.stem, context.sources, bare=True)
    if words is None:
        return None
    if words.contrast == MASK and MASK not in context.sources:
        return "mask of the brain, or of unknown content"
    if words.contrast not in (SEG, AUTOMATIC_SEG) and any(
        contrast_of_folder(folder) in (SEG, AUTOMATIC_SEG) for folder in place.folders[-1:]
    ):
        return "named after a contrast, but in a folder of segmentations"
    home = context.home(place.folders, words.patient) if words.patient else place.folders
    return [Found(words.patient, words.contrast, home, versions=words.versions)]
