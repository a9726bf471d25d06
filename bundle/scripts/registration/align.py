"""AlignSourcesd: register and resample the sources of a patient to the grid of one of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from scripts.data.errors import BadInputError
from scripts.dicom.packages import require

from .motion import largest_displacement, rotation_degrees, shift_of, turn_degrees
from .resample import resample
from .similarity import Likeness, likeness, local_correlation, similarity
from .volume import Volume, head_points

DEFAULT_REFERENCE = "t1gd"
REGISTER = ("auto", "always", "never")
MIN_GAIN = 0.005
"""Smallest relative gain in similarity for which a source is moved."""
MIN_SHIFT_MM = 1.0
"""Largest displacement in the head, mm, that is ignored if both sources have the same grid."""
MIN_CONTRAST, SURE_CONTRAST = 1.0, 1.5
"""How many times better fine structure must agree than in wrong positions. Below the first value, where a wrong
position fits better, two sources are rejected; below the second they may not show the same head. Measured by
benchmarks/likeness.py: the lowest value of real heads is 1.08."""
MEASURED = frozenset({"t1gd", "t1", "t2", "flair"})
"""Sources for which MIN_CONTRAST was measured. Others, such as CT, PET or diffusion, are never rejected by it."""
MIRROR_GAIN = 1.05
"""How many times better the agreement with left and right exchanged must be for a warning of a mirrored source."""
MIN_OVERLAP, WHOLE_OVERLAP = 0.25, 0.75
"""Share of the reference's head that a source must cover, and share below which a warning is given."""
MAX_ROTATION_DEGREES = 45.0
MAX_SHIFT_MM = 60.0
"""Largest plausible movement of the head's centre between two series of one frame of reference, mm."""


@dataclass(frozen=True)
class Placement:
    """Position of a source relative to the reference, and how it was determined.

    Args:
        applied: whether the source was moved from the position in its header.
        why: reason in words.
        matrix: [4, 4], RAS mm of the reference to RAS mm of the source.
        before: similarity at the position in the header.
        after: similarity at the position used.
        overlap: share of the reference's head that the source covers.
        warnings: what to check in the result.
    """

    applied: bool
    why: str
    matrix: np.ndarray
    before: float
    after: float
    overlap: float
    warnings: tuple[str, ...] = ()


class AlignSourcesd(Transform):
    """Resample every source to the grid of the reference, registered where needed.

    Args:
        reference: source whose grid and voxels are kept. Defaults to "t1gd", or the first source if that is missing.
        register: "auto" moves a source if its position differs from its header; "always" uses the registration; "never"
            uses the header. Defaults to "auto".
        order: order of the splines for resampling; 1 is linear. Defaults to 3.

    Raises:
        BadInputError: `register` has another value, or ITK is missing.
    """

    def __init__(self, reference: str = DEFAULT_REFERENCE, register: str = "auto", order: int = 3) -> None:
        if register not in REGISTER:
            raise BadInputError(f"register is '{register}', expected one of {', '.join(REGISTER)}.")
        if register != "never":
            require("itk", purpose="registering images")
        self.reference = reference
        self.register = register
        self.order = order
        self.logger = logging.getLogger(__name__)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Align one patient.

        Args:
            data: "patient", "volumes" {source: MetaTensor [X, Y, Z] with affine}; "series" {source: SeriesVolume} of
                DICOM, whose frames of reference are then used; "files".

        Returns:
            new dict with "image" MetaTensor float32 [N, X, Y, Z] on the reference's grid, and "registration" {source:
            {"applied", "why", "rotation_degrees", "translation_mm", "similarity_before", "similarity_after", "overlap",
            "outside", "matrix"}}; doubts are added to "warnings".

        Raises:
            BadInputError: the reference is not one of the sources, or a source does not match it in any orientation.
        """
        volumes: Mapping[str, MetaTensor] = data["volumes"]
        name = self._reference_of(volumes)
        fixed = _volume(volumes[name])
        shape = fixed.values.shape
        channels, registration, warnings = [], {}, list(data.get("warnings", ()))
        for source, tensor in volumes.items():
            if source == name:
                channels.append(fixed.values)
                registration[source] = _report(Placement(False, "the reference", np.eye(4), 1.0, 1.0, 1.0), fixed, 0.0)
                continue
            moving = _volume(tensor)
            placed = self._place(fixed, moving, _same_frame(data, name, source), data["patient"], source, name)
            if not placed.applied and fixed.same_grid(moving):
                channels.append(moving.values)
                outside = 0.0
            else:
                resampled = resample(moving.values, moving.affine, fixed.affine, shape, placed.matrix, self.order)
                channels.append(resampled.volume)
                outside = 1.0 - float(resampled.inside.mean())
            registration[source] = _report(placed, fixed, outside)
            self.logger.info(f"{data['patient']}: {source} to {name}: {placed.why}.")
            for warning in placed.warnings:
                self.logger.warning(warning)
                warnings.append(warning.removeprefix(f"{data['patient']}: "))
        image = MetaTensor(
            torch.from_numpy(np.stack(channels)),
            affine=volumes[name].affine,
            meta={"filename_or_obj": str(data.get("files", {}).get(name, "")), "spatial_shape": np.asarray(shape)},
        )
        noted = {"warnings": warnings} if warnings or "warnings" in data else {}
        return {**data, "image": image, "registration": registration, **noted}

    def _reference_of(self, volumes: Mapping[str, Any]) -> str:
        if self.reference in volumes:
            return self.reference
        if self.reference != DEFAULT_REFERENCE:
            raise BadInputError(f"reference is '{self.reference}', expected one of {', '.join(volumes)}.")
        return next(iter(volumes))

    def _place(
        self, fixed: Volume, moving: Volume, same_frame: bool | None, patient: str, source: str, reference: str
    ) -> Placement:
        what = f"{patient}: {source}"
        unmoved = np.eye(4)
        before, overlap = similarity(fixed, moving, unmoved)
        if self.register == "never":
            warnings = (
                *self._check_overlap(what, reference, overlap),
                *self._check_position(what, reference, likeness(fixed, moving, unmoved)),
            )
            return Placement(False, "not registered, as asked for", unmoved, before, before, overlap, warnings)

        from .rigid import register  # needs ITK, unlike --register never

        # A small overlap, as of one corner, is not meaningful.
        before = before if overlap >= MIN_OVERLAP else 0.0
        matrix = register(fixed, moving, same_frame is not False)
        after, reached = similarity(fixed, moving, matrix)
        points = head_points(fixed)
        moved = largest_displacement(matrix, points)
        better = after - before > MIN_GAIN * after
        if self.register == "always" or same_frame is False:
            applied = True
            why = "frames of reference differ" if same_frame is False else "as asked for"
        elif not better:
            applied, why = False, f"moving it does not help (similarity {before:.3f}, moved {after:.3f})"
        elif fixed.same_grid(moving) and moved < MIN_SHIFT_MM:
            applied, why = False, f"lies within {moved:.2f} mm of its place, its voxels are kept"
        else:
            applied, why = True, "it lies elsewhere than its header says"
        if applied:
            why = f"moved by up to {moved:.1f} mm ({why}); similarity {before:.3f} to {after:.3f}"
        else:
            matrix, after, reached = unmoved, before, overlap

        found = likeness(fixed, moving, matrix)
        warnings = (
            *self._check_overlap(what, reference, reached),
            *self._check_plausible(what, reference, matrix, fixed, same_frame),
            *self._check_likeness(what, reference, found, {source, reference} <= MEASURED),
        )
        mirrored = moving.mirrored()
        exchanged = local_correlation(fixed, mirrored, register(fixed, mirrored, same_frame is not False))
        if exchanged > MIRROR_GAIN * found.here:
            warnings += (
                f"{what} fits {reference} better with left and right exchanged (local correlation {exchanged:.2f} "
                f"instead of {found.here:.2f}). Check that neither of the images is mirrored.",
            )
        return Placement(applied, why, matrix, before, after, reached, warnings)

    def _check_overlap(self, what: str, reference: str, overlap: float) -> tuple[str, ...]:
        covered = f"{what} reaches {overlap:.0%} of the head in {reference}"
        if overlap < MIN_OVERLAP:
            raise BadInputError(
                f"{covered}, expected {MIN_OVERLAP:.0%} or more. Check that both are of this patient and show the same "
                "part of the body; if headers place them wrongly, use --register always."
            )
        return (f"{covered}; the rest of its image is 0.",) if overlap < WHOLE_OVERLAP else ()

    def _check_plausible(
        self, what: str, reference: str, matrix: np.ndarray, fixed: Volume, same_frame: bool | None
    ) -> tuple[str, ...]:
        turn = turn_degrees(matrix)
        if turn > MAX_ROTATION_DEGREES:
            raise BadInputError(
                f"{what} would have to be turned by {turn:.0f} degrees to lie on {reference}, so the registration has "
                "failed or the header's orientation is wrong. Correct the orientation, register by hand, or trust the "
                "header with --register never."
            )
        shift = float(np.linalg.norm(shift_of(matrix, head_points(fixed, 8.0).mean(0))))
        if same_frame and shift > MAX_SHIFT_MM:
            return (f"{what} lies {shift:.0f} mm from where its frame of reference puts it. Look at the result.",)
        return ()

    def _check_likeness(self, what: str, reference: str, found: Likeness, measured: bool) -> tuple[str, ...]:
        if measured and found.contrast < MIN_CONTRAST:
            raise BadInputError(
                f"{what} and {reference} do not show the same head, or could not be registered ({_in_words(found)}). "
                "Check that both are of this patient, or trust the header with --register never."
            )
        if found.contrast < SURE_CONTRAST:
            return (
                f"{what} and {reference} may not show the same head, or the registration is off ({_in_words(found)}). "
                "Check that both are of this patient, and look at the result.",
            )
        return ()

    def _check_position(self, what: str, reference: str, found: Likeness) -> tuple[str, ...]:
        if found.contrast >= SURE_CONTRAST:
            return ()
        return (
            f"{what} does not seem to lie on {reference} where its header places it ({_in_words(found)}). Check that "
            "both are of this patient, and use --register auto to have it moved.",
        )


def _in_words(found: Likeness) -> str:
    return f"local correlation {found.here:.2f}, {found.contrast:.1f} times that of wrong positions"


def _volume(tensor: MetaTensor) -> Volume:
    return Volume(tensor.as_tensor().float().numpy(), np.asarray(tensor.affine, dtype=np.float64))


def _same_frame(data: Mapping[str, Any], one: str, other: str) -> bool | None:
    """Whether two series share a frame of reference; None if unknown."""
    series = data.get("series", {})
    if one not in series or other not in series:
        return None
    uids = [getattr(series[source].headers[0], "FrameOfReferenceUID", None) for source in (one, other)]
    return str(uids[0]) == str(uids[1]) if all(uids) else None


def _report(placed: Placement, fixed: Volume, outside: float) -> dict[str, Any]:
    shift = shift_of(placed.matrix, head_points(fixed, 8.0).mean(0))
    return {
        "applied": placed.applied,
        "why": placed.why,
        "rotation_degrees": [round(angle, 3) for angle in rotation_degrees(placed.matrix)],
        "translation_mm": [round(float(n), 3) for n in shift],
        "similarity_before": round(placed.before, 4),
        "similarity_after": round(placed.after, 4),
        "overlap": round(placed.overlap, 4),
        "outside": round(outside, 4),
        "matrix": [[round(float(n), 8) for n in row] for row in placed.matrix],
    }
