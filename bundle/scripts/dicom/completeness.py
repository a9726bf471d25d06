"""Judge whether a series is whole: positions, spacing, thickness and numbers of its images, against each other."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import Dataset

from scripts.data.errors import BadInputError

_SAME = 0.05
"""Largest difference of two distances that are meant to be equal, relative to them."""
_WIDE = 1.8
"""Distance between slices, in slice thicknesses, from which it is doubtful where no spacing is given."""


def check_complete(headers: Sequence[Dataset], gap: float, in_series: int) -> list[str]:
    """Check that no slices are missing or doubled, as far as headers tell.

    Args:
        headers: plain header of each slice of a volume.
        gap: distance between the positions of neighbouring slices, in mm.
        in_series: images of the whole series, of which the volume may be one acquisition.

    Returns:
        warnings: what contradicts itself without a proof that slices are missing.

    Raises:
        BadInputError: the positions lie a whole multiple of Spacing Between Slices apart.
    """
    notes = []
    counted = _check_counts(headers, in_series)
    spacing, thickness = _median(headers, "SpacingBetweenSlices"), _median(headers, "SliceThickness")
    if spacing:
        spacing = abs(spacing)
        notes += _check_spacing(gap, spacing, thickness or 0.0, " ".join(f"Also, {note}." for note in counted))
    elif thickness and gap > _WIDE * thickness:
        notes.append(
            f"slices are {thickness:.4g} mm thick by Slice Thickness, but their positions lie {gap:.4g} mm apart: "
            "slices may be missing"
        )
    return [*notes, *counted]


def _check_spacing(gap: float, spacing: float, thickness: float, also: str) -> list[str]:
    ratio = gap / spacing
    if abs(ratio - 1.0) <= _SAME:
        return []
    between = f"Spacing Between Slices is {spacing:.4g} mm, but the positions lie {gap:.4g} mm apart"
    # some software writes the empty space between slices there
    empty_space = abs(spacing + thickness - gap) <= _SAME * gap and round(ratio) > 2
    if ratio > 1.5 and abs(ratio - round(ratio)) <= _SAME and not empty_space:
        present = {2: "every second slice", 3: "two of three slices"}.get(round(ratio), f"all but one of {ratio:.0f}")
        raise BadInputError(
            f"slices are missing: {between}, as if {present} were missing. {also} Export the series again, completely."
        )
    if abs(ratio - 0.5) <= _SAME:
        return [f"{between}: two acquisitions may lie between each other in this series"]
    return [f"{between}; the positions were taken"]


def _check_counts(headers: Sequence[Dataset], in_series: int) -> list[str]:
    """What numbers of images say that the headers name for the acquisition or the series."""
    here = len(headers)
    notes = []
    for keyword, what in (
        ("ImagesInAcquisition", "Images in Acquisition"),
        ("NumberOfSlices", "Number of Slices"),
    ):
        expected = _median(headers, keyword)
        # some scanners count an acquisition here, others the whole series
        if expected and expected > max(here, in_series):
            notes.append(f"{what} is {expected:.0f}, but {max(here, in_series)} images are there: some may be missing")
    if in_series == here:
        numbers = sorted({number for header in headers if (number := _number(header, "InstanceNumber")) is not None})
        count = int(numbers[-1] - numbers[0]) + 1 if numbers else 0
        if len(numbers) == here and count > here:
            notes.append(
                f"Instance Numbers run from {numbers[0]:.0f} to {numbers[-1]:.0f}, but only {here} of these {count} "
                "images are there: some may be missing"
            )
    return notes


def _median(headers: Sequence[Dataset], keyword: str) -> float | None:
    found = sorted(value for header in headers if (value := _number(header, keyword)) is not None)
    return found[len(found) // 2] if found else None


def _number(header: Dataset, keyword: str) -> float | None:
    try:
        return float(header.get(keyword))
    except (TypeError, ValueError):
        return None
