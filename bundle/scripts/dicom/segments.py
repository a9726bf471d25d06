"""What the segments of a segmentation show, by their codes and labels, and how they are called."""

from __future__ import annotations

import re
from enum import Enum

from pydicom import Dataset

from scripts.data.shown_words import UNKNOWN, shown_words


class Shows(Enum):
    """What a segment shows."""

    LESION = "a lesion"
    UNSPECIFIC = "something that it does not name"
    OTHER = "something else"


_LESION_CATEGORIES = {"49755003", "M-01000"}
"""Morphologically altered structure, in SNOMED CT and SNOMED RT."""
_LESION_TYPES = {
    *("44132006", "75753009", "367643001", "79654002", "C113842", "50960005", "409774005", "52988006", "4147007"),
    *("6574001", "108369006", "372087000", "86049000", "14799000", "27925004", "C81175"),
    *("M-80003", "M-80006", "M-01100", "M-03000", "M-36300", "M-54000", "M-37000"),
}
"""Types of CID 7159 "Lesion Segmentation Types", and their older codes in SNOMED RT."""
_NO_LESION_TYPES = {"17621005", "125040"}
"""Normal, and background."""
_UNSPECIFIC = {"85756007", "T-D0050", ""}
"""Tissue, as programs write it for a segment that nobody described."""
_LESION_WORDS = re.compile(
    r"lesion|läsion|tumou?r|neoplas|gliom|glioblast|metasta|mening[ie]om|(?<![a-z])o?edema|ödem|necro|nekro"
    r"|enhanc|infarct|h(a)?emorrhag|(?<![a-z])cyst|hyperintens|resection cavity|(?<![a-z])(et|wt|tc|netc?|ed|snfh|rc)$",
    re.IGNORECASE,
)
"""Words of lesions in labels, the regions of BraTS among them."""
_NAMELESS = re.compile(r"(segment|label|roi|region|mask|seg)?[ _-]*\d*$", re.IGNORECASE)
"""Labels that say nothing, such as "Segment_1"."""


def shows(segment: Dataset) -> Shows:
    """Return what a segment shows.

    Args:
        segment: item of the Segment Sequence.
    """
    category, kind = (_code(segment, f"SegmentedProperty{name}CodeSequence") for name in ("Category", "Type"))
    label = str(segment.get("SegmentLabel", "") or "").strip()
    described = str(segment.get("SegmentDescription", "") or "").strip()
    if kind[0] in _NO_LESION_TYPES:
        return Shows.OTHER
    if category[0] in _LESION_CATEGORIES or kind[0] in _LESION_TYPES:
        return Shows.LESION
    if any(_LESION_WORDS.search(text) for text in (label, described, kind[1])):
        return Shows.LESION
    if category[0] in _UNSPECIFIC and kind[0] in _UNSPECIFIC and _NAMELESS.fullmatch(label):
        return Shows.UNSPECIFIC
    return Shows.OTHER


def name_of_segment(segment: Dataset) -> str:
    """Return a segment's name without words that may identify someone: its label, its coded type, or its number.

    Args:
        segment: item of the Segment Sequence.
    """
    label = shown_words(str(segment.get("SegmentLabel", "") or "").strip())
    kind = shown_words(_code(segment, "SegmentedPropertyTypeCodeSequence")[1])
    number = f"Segment {segment.get('SegmentNumber', '?')}"
    if label and UNKNOWN not in label:
        return number if _NAMELESS.fullmatch(label) else label
    return next((text for text in (kind, label) if _says_something(text)), number)


def _says_something(text: str) -> bool:
    return bool(re.search(r"\w{3}", text.replace(UNKNOWN, "")))


def _code(segment: Dataset, keyword: str) -> tuple[str, str]:
    """Value and meaning of a code; empty texts for a missing code."""
    items = segment.get(keyword) or []
    code = items[0] if items else Dataset()
    return str(code.get("CodeValue", "") or "").strip(), str(code.get("CodeMeaning", "") or "").strip()
