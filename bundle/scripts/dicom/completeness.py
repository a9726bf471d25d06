"""Check that a series is complete by the positions, spacing, thickness and numbers of its images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pydicom import Dataset
from pydicom.tag import BaseTag, Tag

from scripts.data.errors import BadInputError

_SAME = 0.05
"""Largest difference of two distances that are meant to be equal, relative to them."""
_COUNTS = {"ImagesInAcquisition": "Images in Acquisition", "NumberOfSlices": "Number of Slices"}
_PRIVATE_COUNTS = {
    Tag(0x2001, 0x1018): ("Philips Imaging DD 001", "Philips' number of slices"),
    Tag(0x0021, 0x104F): ("GEMS_RELA_01", "GE's number of locations"),
}
_WIDE = 1.8
"""Distance between slices, in slice thicknesses, from which it is doubtful where no spacing is given."""


def check_complete(headers: Sequence[Dataset], gap: float, in_series: int) -> list[str]:
    """Check by the headers that no slices are missing or doubled.

    Args:
        headers: plain header of each slice of a volume.
        gap: distance between the positions of neighbouring slices, in mm.
        in_series: images of the whole series, of which the volume may be one acquisition.

    Returns:
        warnings: what contradicts itself without a proof that slices are missing.

    Raises:
        BadInputError: the positions lie a whole multiple of Spacing Between Slices apart.
    """
    spacing, thickness = _median(headers, "SpacingBetweenSlices"), _median(headers, "SliceThickness")
    if spacing:
        spacing = abs(spacing)
        even = abs(gap / spacing - 1.0) <= _SAME
        counted = _counts(headers, in_series, even)
        return [*([] if even else _check_spacing(gap, spacing, thickness or 0.0, counted)), *counted]
    notes = _counts(headers, in_series, False)
    if thickness and gap > _WIDE * thickness:
        notes.append(
            f"slices are {thickness:.4g} mm thick by Slice Thickness, but their positions lie {gap:.4g} mm apart: "
            "slices may be missing"
        )
    step = _step_of_numbers(headers) if in_series == len(headers) else 1
    if step > 1:
        notes.append(f"Instance Numbers rise by {step} from slice to slice: slices between them may be missing")
    return notes


def _check_spacing(gap: float, spacing: float, thickness: float, counted: Sequence[str]) -> list[str]:
    ratio = gap / spacing
    between = f"Spacing Between Slices is {spacing:.4g} mm, but the positions lie {gap:.4g} mm apart"
    # some software writes the empty space between slices there
    empty_space = abs(spacing + thickness - gap) <= _SAME * gap and round(ratio) > 2
    if ratio > 1.5 and abs(ratio - round(ratio)) <= _SAME and not empty_space:
        present = {2: "every second slice", 3: "two of three slices"}.get(round(ratio), f"all but one of {ratio:.0f}")
        also = "".join(f" ({note})" for note in counted)
        raise BadInputError(
            f"slices are missing: {between}, as if {present} were missing{also}. Export the series again, completely."
        )
    if abs(ratio - 0.5) <= _SAME:
        return [f"{between}: two acquisitions may lie between each other in this series"]
    return [f"{between}; the positions were taken"]


def _counts(headers: Sequence[Dataset], in_series: int, even: bool) -> list[str]:
    """Return the numbers of images or slices in the headers that exceed what was found."""
    here = len(headers)
    there = max(here, in_series)
    notes = []
    for what, counts in _expected(headers).items():
        # some scanners count an acquisition, others the series, of which other acquisitions may be elsewhere
        expected = sorted(counts)[len(counts) // 2]
        other_acquisitions = even and expected % here == 0
        if expected > there and not other_acquisitions:
            notes.append(f"{what} is {expected:.0f}, but {there} images are there: slices may be missing")
    return notes


def _expected(headers: Sequence[Dataset]) -> dict[str, list[float]]:
    """Numbers of images or slices that headers name, by what they call it."""
    found: dict[str, list[float]] = {}
    for header in headers:
        for keyword, what in _COUNTS.items():
            number = _number(header, keyword)
            if number is not None:
                found.setdefault(what, []).append(number)
        for tag, (creator, what) in _PRIVATE_COUNTS.items():
            block = Tag(tag.group, tag.element >> 8)
            if tag in header and block in header and str(header[block].value).strip() == creator:
                number = _number(header, tag)
                if number is not None:
                    found.setdefault(what, []).append(number)
    return found


def _step_of_numbers(headers: Sequence[Dataset]) -> int:
    """Return the step of Instance Numbers between slices if it is the same everywhere, else 1."""
    numbers = sorted({number for header in headers if (number := _number(header, "InstanceNumber")) is not None})
    steps = {int(after - before) for before, after in pairwise(numbers)}
    return steps.pop() if len(numbers) == len(headers) and len(steps) == 1 else 1


def _median(headers: Sequence[Dataset], keyword: str) -> float | None:
    found = sorted(value for header in headers if (value := _number(header, keyword)) is not None)
    return found[len(found) // 2] if found else None


def _number(header: Dataset, keyword: str | BaseTag) -> float | None:
    value = header.get(keyword)
    try:
        return float(getattr(value, "value", value))
    except (TypeError, ValueError):
        return None
