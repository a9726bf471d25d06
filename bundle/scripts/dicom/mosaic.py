"""Recognise mosaics: images that hold all slices of a volume side by side."""

from __future__ import annotations

from pydicom import Dataset

_SIEMENS_IMAGES = 0x0019100A
_SIEMENS_CREATOR = 0x00190010
_LARGEST_FIELD = 700.0
"""mm. No scanner's bore is wider; a mosaic of 64 × 64 slices spans 1000 mm and more, for it has the slices' spacing."""


def why_mosaic(header: Dataset) -> str | None:
    """Why an image is a mosaic, by its header; None where it is a plain slice.

    Args:
        header: plain header of an image.
    """
    words = [str(word).upper() for word in header.get("ImageType") or []]
    if "MOSAIC" in words or "VFRAME" in words:
        return f"its Image Type is {'/'.join(words)}"
    count = header.get(_SIEMENS_IMAGES)
    of_siemens = "SIEMENS" in str(header[_SIEMENS_CREATOR].value) if _SIEMENS_CREATOR in header else False
    if of_siemens and count is not None and _first_number(count.value) > 1:
        return f"it holds {_first_number(count.value):g} slices by its Siemens header"
    spacing = header.get("PixelSpacing")
    if spacing is None or isinstance(spacing, (str, float)) or len(spacing) != 2:
        return None
    field = max(float(spacing[0]) * header.Rows, float(spacing[1]) * header.Columns)
    if field > _LARGEST_FIELD:
        return f"it would measure {field:.4g} mm, more than fits into a scanner"
    return None


def _first_number(value: object) -> float:
    text = value.decode("ascii", "ignore") if isinstance(value, bytes) else str(value)
    try:
        return float(text.split("\\")[0].strip(" \0"))
    except ValueError:
        return 0.0
