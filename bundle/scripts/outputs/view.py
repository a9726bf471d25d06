"""Orient slices of a volume on a page: upright, in radiological convention."""

from __future__ import annotations

from collections.abc import Sequence

import nibabel as nib
import numpy as np


class View:
    """Slices of a volume in one direction, oriented as a radiologist expects.

    The patient's right is on the left of the page, the nose or the top of the head is up; in a
    sagittal plane the nose is on the left.

    Args:
        affine: [4, 4], voxel to millimetre.
        shape: [X, Y, Z].
        slice_axis: array axis perpendicular to the slices, 0, 1 or 2.
    """

    def __init__(self, affine: np.ndarray, shape: Sequence[int], slice_axis: int) -> None:
        anatomical = nib.orientations.io_orientation(affine)
        spacing = nib.affines.voxel_sizes(affine)
        self.affine, self.shape, self.slice_axis = affine, tuple(shape), slice_axis
        self.through = int(anatomical[slice_axis, 0])
        in_plane = [axis for axis in range(3) if axis != slice_axis]
        self.column_axis, self.row_axis = sorted(in_plane, key=lambda axis: anatomical[axis, 0])
        # The page runs to the patient's left, back and feet: opposite to an axis that
        # ascends to the right, front or head.
        self.flip_columns = bool(anatomical[self.column_axis, 1] > 0)
        self.flip_rows = bool(anatomical[self.row_axis, 1] > 0)
        self.pixel_aspect = float(spacing[self.row_axis] / spacing[self.column_axis])

    def page(self, volume: np.ndarray, index: int) -> np.ndarray:
        """Return slice `index` of `volume` as rows and columns of the page."""
        plane = np.moveaxis(volume, self.slice_axis, 0)[index]
        if self.column_axis < self.row_axis:
            plane = plane.T
        if self.flip_rows:
            plane = plane[::-1]
        return plane[:, ::-1] if self.flip_columns else plane

    def frame(self, masks: Sequence[np.ndarray], slices: Sequence[int], margin: float = 0.03) -> tuple[slice, slice]:
        """Return the rows and columns that contain all of `masks` in `slices`, with a `margin`."""
        whole = np.logical_or.reduce([self.page(m, index) for m in masks for index in slices])
        parts = []
        for axis in (1, 0):
            inside = np.flatnonzero(whole.any(axis=axis))
            length = whole.shape[1 - axis]
            if inside.size == 0:
                parts.append(slice(0, length))
                continue
            first, last = int(inside[0]), int(inside[-1]) + 1
            air = max(1, round(margin * (last - first)))
            parts.append(slice(max(0, first - air), min(length, last + air)))
        return parts[0], parts[1]

    def aspect(self, frame: tuple[slice, slice]) -> float:
        """Return the ratio of height to width of `frame`, in mm."""
        rows, columns = (part.stop - part.start for part in frame)
        return rows * self.pixel_aspect / columns

    @property
    def plane(self) -> str:
        """Name of the plane."""
        return ("sagittal", "coronal", "axial")[self.through]

    @property
    def sides(self) -> tuple[str, str]:
        """Letters for the left and right side of the page: R(ight), L(eft), A(nterior), P(osterior)."""
        return ("A", "P") if self.through == 0 else ("R", "L")

    def millimetre(self, index: int) -> float:
        """Return the position of slice `index` along the anatomical axis perpendicular to it."""
        middle = [(length - 1) / 2 for length in self.shape]
        middle[self.slice_axis] = index
        return float(nib.affines.apply_affine(self.affine, middle)[self.through])
