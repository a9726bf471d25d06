"""Parse BIDS names such as `sub-01_ses-2_ce-gadolinium_T1w`."""

from __future__ import annotations

from typing import NamedTuple

from .contrasts import CONTRASTS, SEG, contrast_of_folder, read_words

_AGENT = {"gd", "gad", "ce", "gadolinium", "contrast", "postcontrast", "postgd", "t1gd", "t1ce"}
"""Values of `acq` by which older data sets mark an image after contrast agent, before `ce` was used for it."""
_NO_AGENT = {"none", "no", "pre", "native"}
_SEGMENTATIONS = {"dseg", "mask", "roi", "seg"}
_LESION = ("tumor", "tumour", "lesion", "glioma", "metastas", "edema", "oedema")
_PROCESSED = ("space", "desc", "res")
_OF_PATIENT = ("sub", "ses")
OWN_DESCRIPTIONS = ("fused", "decomposed", "contribution", "uncertainty")
"""Values of `desc` of this bundle's results."""


class BidsName(NamedTuple):
    """The parts of a BIDS name.

    Attributes:
        patient: `sub-01` or `sub-01_ses-2`.
        contrast: name of the contrast or source, "seg", or "" for another suffix.
        space: value of `space`, or "".
        versions: other entities that say how the image was processed, as "key-value".
        acquisition: all further entities, as "key-value".
        suffix: last part of the name.
    """

    patient: str
    contrast: str
    space: str
    versions: tuple[str, ...]
    acquisition: tuple[str, ...]
    suffix: str


def read_entities(stem: str) -> tuple[dict[str, str], str] | None:
    """Split a file name without extension into entities and suffix, or return None if it is not a BIDS name."""
    parts = stem.split("_")
    entities = dict(part.split("-", 1) for part in parts[:-1] if "-" in part)
    if len(entities) != len(parts) - 1 or not entities.get("sub") or not parts[0].startswith("sub-"):
        return None
    return entities, parts[-1]


class OwnResult(NamedTuple):
    """A result of this bundle in a BIDS derivative, by its name.

    Attributes:
        beginning: ``sub-01`` or ``sub-01_ses-2``.
        description: value of `desc`, one of `OWN_DESCRIPTIONS`.
        suffix: last part of the name.
    """

    beginning: str
    description: str
    suffix: str


def read_own_result(stem: str) -> OwnResult | None:
    """Parse the file name, without extension, of a result of this bundle, or return None for any other name."""
    read = read_entities(stem)
    if read is None or read[0].get("desc") not in OWN_DESCRIPTIONS:
        return None
    entities, suffix = read
    beginning = "_".join(f"{key}-{entities[key]}" for key in _OF_PATIENT if key in entities)
    return OwnResult(beginning, entities["desc"], suffix)


def read_bids_name(stem: str, sources: tuple[str, ...] = ()) -> BidsName | None:
    """Parse a file name without extension, or return None if it is not a BIDS name."""
    read = read_entities(stem)
    if read is None:
        return None
    entities, suffix = read
    patient = "_".join(f"{key}-{entities[key]}" for key in _OF_PATIENT if key in entities)
    contrast = _contrast(suffix, entities, sources)
    agent = ("ce",) if contrast == "t1gd" else ()
    rest = {key: value for key, value in entities.items() if key not in (*_OF_PATIENT, *_PROCESSED, *agent)}
    if contrast == "t1gd" and rest.get("acq", "").lower() in _AGENT:
        del rest["acq"]
    return BidsName(
        patient,
        contrast,
        entities.get("space", ""),
        tuple(f"{key}-{entities[key]}" for key in ("desc", "res") if key in entities),
        tuple(f"{key}-{value}" for key, value in rest.items()),
        suffix,
    )


def _contrast(suffix: str, entities: dict[str, str], sources: tuple[str, ...]) -> str:
    if suffix.lower() in _SEGMENTATIONS:
        said = " ".join((suffix, *entities.values())).lower()
        return SEG if suffix == "seg" or any(word in said for word in _LESION) else ""
    if suffix == "T1w":
        agent = entities.get("ce", "").lower()
        enhanced = agent not in ("", *_NO_AGENT) or (not agent and entities.get("acq", "").lower() in _AGENT)
        return "t1gd" if enhanced else "t1"
    known = next((one.name for one in CONTRASTS if one.bids == suffix), None)
    words = read_words(suffix, sources)
    return known or (words.contrast if words else contrast_of_folder(suffix, sources)) or ""
