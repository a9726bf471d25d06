"""Conversion between volumes and slices, and the slice axis."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.transforms.slicing import from_slices, slice_axis, to_slices


class TestSliceAxis:
    @pytest.mark.parametrize(("codes", "axis"), [("LPS", 2), ("RAS", 2), ("ASR", 1), ("SPL", 0), ("PIR", 1)])
    def test_equal_spacing_takes_inferior_to_superior(self, codes, axis):
        ornt = nib.orientations.axcodes2ornt(codes)
        affine = nib.orientations.inv_ornt_aff(
            nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), ornt), (9, 9, 9)
        )
        assert slice_axis(affine) == axis

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_thick_slices_are_kept_whole_regardless_of_their_orientation(self, axis):
        spacing = [1.0, 1.0, 1.0]
        spacing[axis] = 5.0
        assert slice_axis(np.diag([*spacing, 1.0])) == axis

    def test_slightly_thicker_slices_do_not_count_as_thick(self):
        assert slice_axis(np.diag([1.4, 1.0, 1.0, 1.0])) == 2

    def test_an_oblique_head_takes_the_closest_axis(self):
        tilt = np.deg2rad(30)
        affine = np.eye(4)
        affine[1:3, 1:3] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
        assert slice_axis(torch.from_numpy(affine)) == 2


class TestSlices:
    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_from_slices_undoes_to_slices(self, axis):
        image = torch.rand(2, 5, 6, 7)
        slices = to_slices(image, axis)
        assert slices.shape[:2] == (image.shape[axis + 1], 2)
        assert torch.equal(from_slices(slices, axis), image)

    def test_a_slice_is_the_volume_s_plane(self):
        image = torch.rand(2, 5, 6, 7)
        assert torch.equal(to_slices(image, 2)[3], image[..., 3])
        assert torch.equal(to_slices(image, 0)[4], image[:, 4])

    def test_slices_are_plain_tensors(self):
        slices = to_slices(MetaTensor(torch.rand(2, 5, 6, 7)), 1)
        assert type(slices) is torch.Tensor

    def test_other_dimensions_are_refused(self):
        with pytest.raises(ValueError, match="expected 4 dimensions"):
            to_slices(torch.rand(5, 6, 7), 1)
        with pytest.raises(ValueError, match="axis of 0, 1 or 2"):
            from_slices(torch.rand(2, 5, 6, 7), 3)
