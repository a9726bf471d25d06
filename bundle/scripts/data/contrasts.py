"""Contrasts of brain images, and every word that data sets use for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple


@dataclass(frozen=True)
class Contrast:
    """One contrast, or another kind of volume such as a segmentation.

    Attributes:
        name: as in `sources`.
        words: how file names end and folders are called, without regard to case; the first two are shown in messages.
        bids: how BIDS names end. Defaults to "" (it has no such name).
        bare: words that count only where they are the whole name. Defaults to ().
        folders: further names of folders that hold nothing else. Defaults to ().
    """

    name: str
    words: tuple[str, ...]
    bids: str = ""
    bare: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


SEG = "seg"
AUTOMATIC_SEG = "automatic seg"
"""A segmentation not corrected by an expert; used only if no corrected one exists."""
MASK = "mask"
"""A mask of the brain or of unknown content: never a source, never the lesion's segmentation."""

CONTRASTS = (
    Contrast(
        "t1gd",
        ("t1ce", "t1c", "t1gd", "t1wce", "t1post", "t1_ce", "t1_gd", "t1_post", "t1w_ce", "t1-ce", "t1-gd"),
        "ce-gadolinium_T1w",
        bare=("ct1",),
    ),
    Contrast("flair", ("flair", "t2f"), "FLAIR"),
    Contrast("t1", ("t1", "t1n", "t1w"), "T1w"),
    Contrast("t2", ("t2", "t2w"), "T2w"),
    Contrast(
        SEG,
        (
            *("seg", "segm", "segmentation", "segmentations", "tumor_segmentation", "tumour_segmentation", "seg_mask"),
            *("tumor_mask", "tumour_mask", "lesion_mask"),
        ),
        folders=("labels", "labelstr", "labelsts", "label", "masks", "segs", "images_segm", "ground_truth", "gt"),
    ),
    Contrast(
        AUTOMATIC_SEG, ("automated_approx_segm", "automated_segm", "auto_segm", "auto_seg"), folders=("automated_segm",)
    ),
    Contrast(
        MASK, ("mask", "brain_mask", "brainmask", "brain_segmentation", "brain_parenchyma_segmentation", "bet_mask")
    ),
)
"""BraTS 2017-2021, then BraTS 2023 and later, then other data sets."""

REGISTERED = frozenset(("reg", "registered", "coreg", "r2s", "resampled"))
VERSIONS = (
    *("bias", "n4", "unstripped", "stripped", "skull_strip", "skullstripped", "brain", "bet", "norm", "normalized"),
    *sorted(REGISTERED),
)
"""Words after the contrast that state how an image was processed: `T1c_bias`, `CT1_r2s_bet_reg`."""

IMAGE_FOLDERS = {
    *("images", "imagestr", "imagests", "imagesval", "images_structural", "images_structural_unstripped"),
    *("anat", "nifti", "nii"),
}
"""Folders that say nothing about the patient, in lower case."""


class Words(NamedTuple):
    """The parts of a file name.

    Attributes:
        patient: text before the contrast; "" for a bare `flair.nii.gz`.
        contrast: name of the contrast, or another source.
        versions: `VERSIONS` that follow it.
    """

    patient: str
    contrast: str
    versions: tuple[str, ...]


@cache
def _pattern(extra: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    contrast_of = {word: one.name for one in CONTRASTS for word in one.words}
    names = {one.name for one in CONTRASTS}
    contrast_of.update({word.lower(): word for word in extra if word not in names})
    words, versions = ("|".join(map(re.escape, sorted(found, key=len))) for found in (contrast_of, VERSIONS))
    # The shortest patient wins, so that `P_brain_mask` is a mask of P. DOTALL: a name may contain a newline.
    expression = rf"^(?:(.+?)[_-])?({words})((?:[_-](?:{versions}))*)$"
    return re.compile(expression, re.IGNORECASE | re.DOTALL), contrast_of


@cache
def _bare_pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    contrast_of = {word: one.name for one in CONTRASTS for word in one.bare}
    words, versions = ("|".join(map(re.escape, found)) for found in (contrast_of, VERSIONS))
    return re.compile(rf"^()({words})((?:[_-](?:{versions}))*)$", re.IGNORECASE), contrast_of


def read_words(stem: str, extra: tuple[str, ...] = (), bare: bool = False) -> Words | None:
    """Split a file name, without its extension, into patient, contrast and versions.

    Args:
        stem: for instance "BraTS18_X_t1ce", "UCSF-PDGM-0004_T1c_bias" or "flair".
        extra: further sources, each recognised by its own name.
        bare: also accept words that count only as the whole name. Defaults to False.

    Returns:
        the parts, or None if the name contains no known word.
    """
    for pattern, contrast_of in (_pattern(tuple(extra)), *([_bare_pattern()] if bare else [])):
        match = pattern.match(stem)
        if match:
            versions = re.findall("|".join(sorted(VERSIONS, key=len, reverse=True)), match[3].lower())
            return Words(match[1] or "", contrast_of[match[2].lower()], tuple(versions))
    return None


@cache
def _folder_words() -> dict[str, str]:
    return {word: one.name for one in CONTRASTS for word in (*one.words, *one.bare, *one.folders) if one.name != MASK}


def contrast_of_folder(name: str, extra: tuple[str, ...] = ()) -> str | None:
    """Return the contrast that a folder is named after, or None."""
    word = name.lower()
    return next((source for source in extra if source.lower() == word), None) or _folder_words().get(word)


def contrast_of_channel(name: str) -> str:
    """Return the contrast that a channel of a Decathlon or nnU-Net data set is named after, or its own name."""
    word = name.lower()
    return next((one.name for one in CONTRASTS if word in (one.name, *one.words, *one.bare)), word)


def bids_ending(contrast: str) -> str:
    """Return the ending of a contrast's BIDS names."""
    return next((one.bids for one in CONTRASTS if one.name == contrast and one.bids), contrast)


def words_of(contrast: str) -> tuple[str, ...]:
    """Return how file names of a contrast end; of one that is not in the table its own name."""
    return next((one.words for one in CONTRASTS if one.name == contrast), (contrast,))
