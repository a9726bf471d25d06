"""BIDS: `sub-01/[ses-2/]anat/sub-01[_ses-2]_ce-gadolinium_T1w.nii.gz`, raw and derivatives."""

from __future__ import annotations

from scripts.data.bids_name import read_bids_name
from scripts.data.contrasts import SEG
from scripts.data.scan import Place

from .found import Context, Found

_LESIONS = ("tumor", "tumour", "lesion", "ground-truth", "ground_truth", "manual")
_OWN_SPACES = ("T1w", "orig", "native", "individual", "scanner")
"""Values of `space` by which a segmentation says that it lies on the images themselves."""


def recognise(place: Place, context: Context) -> list[Found] | str | None:
    """Recognise names with the entity `sub`; see `LAYOUTS`."""
    name = read_bids_name(place.stem, context.sources)
    if name is None:
        return None
    if "sourcedata" in _before_subject(place.folders):
        return "source data of a BIDS data set"
    pipeline = _pipeline(place.folders)
    contrast = name.contrast
    if not contrast and name.suffix in ("dseg", "mask", "roi"):
        if not any(word in pipeline.lower() for word in _LESIONS):
            return "segmentation or mask, not said to be of a lesion"
        contrast = SEG
    if not contrast:
        return f"BIDS suffix {name.suffix} is not a contrast to fuse"
    home = tuple(folder for folder in _before_subject(place.folders) if folder not in ("derivatives", pipeline))
    if contrast == SEG:
        return [Found(name.patient, SEG, home, "" if name.space in _OWN_SPACES else name.space)]
    versions = (*((pipeline,) if pipeline else ()), *name.versions)
    return [Found(name.patient, contrast, home, name.space, versions, name.acquisition)]


def _before_subject(folders: tuple[str, ...]) -> tuple[str, ...]:
    first = next((i for i, folder in enumerate(folders) if folder.startswith("sub-")), len(folders))
    return folders[:first]


def _pipeline(folders: tuple[str, ...]) -> str:
    """Name of the folder in `derivatives`, or ""."""
    before = _before_subject(folders)
    if "derivatives" not in before:
        return ""
    after = before[before.index("derivatives") + 1 :]
    return after[0] if after else "derivatives"
