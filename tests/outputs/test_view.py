from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from scripts.outputs.view import View

RAS = np.diag([1.0, 1.0, 1.0, 1.0])
ORIENTATIONS = ["RAS", "LPS", "LAS", "RPI", "ASR", "PSL", "SRA", "ILP"]


def marked_head() -> nib.Nifti1Image:
    """Return a RAS volume with 1 at the right, 2 at the front and 3 at the top of the head."""
    volume = np.zeros((9, 11, 7))
    volume[8, 5, 3], volume[4, 10, 3], volume[4, 5, 6] = 1, 2, 3
    return nib.Nifti1Image(volume, RAS)


def reoriented(image: nib.Nifti1Image, codes: str) -> nib.Nifti1Image:
    start = nib.orientations.io_orientation(image.affine)
    end = nib.orientations.axcodes2ornt(codes)
    return image.as_reoriented(nib.orientations.ornt_transform(start, end))


class TestPage:
    @pytest.mark.parametrize("codes", ORIENTATIONS)
    def test_axial_slice_has_the_patients_right_on_the_left_and_the_nose_up(self, codes):
        image = reoriented(marked_head(), codes)
        axis = next(i for i, code in enumerate(codes) if code in "SI")
        page = View(image.affine, image.shape, axis).page(image.get_fdata(), 3)
        assert page.shape == (11, 9)
        assert page[5, 0] == 1
        assert page[0, 4] == 2

    @pytest.mark.parametrize("codes", ORIENTATIONS)
    def test_coronal_slice_has_the_top_of_the_head_up(self, codes):
        image = reoriented(marked_head(), codes)
        axis = next(i for i, code in enumerate(codes) if code in "AP")
        page = View(image.affine, image.shape, axis).page(image.get_fdata(), 5)
        assert page[0, 4] == 3
        assert page[3, 0] == 1

    @pytest.mark.parametrize("codes", ORIENTATIONS)
    def test_sagittal_slice_has_the_nose_on_the_left(self, codes):
        image = reoriented(marked_head(), codes)
        axis = next(i for i, code in enumerate(codes) if code in "RL")
        page = View(image.affine, image.shape, axis).page(image.get_fdata(), 4)
        assert page[0, 5] == 3
        assert page[3, 0] == 2


class TestGeometry:
    def test_sides_and_planes_are_named(self):
        views = [View(RAS, (9, 11, 7), axis) for axis in range(3)]
        assert [view.plane for view in views] == ["sagittal", "coronal", "axial"]
        assert [view.sides for view in views] == [("A", "P"), ("R", "L"), ("R", "L")]

    def test_thick_slices_keep_their_height_in_millimetres(self):
        view = View(np.diag([1.0, 1.0, 5.0, 1.0]), (100, 100, 20), 1)
        assert view.aspect((slice(0, 20), slice(0, 100))) == pytest.approx(1.0)

    def test_position_is_the_affines_regardless_of_the_orientation(self):
        image = nib.Nifti1Image(np.zeros((9, 11, 7)), nib.affines.from_matvec(np.eye(3), [0, 0, 5]))
        flipped = reoriented(image, "LPI")
        assert View(image.affine, image.shape, 2).millimetre(1) == 6
        assert View(flipped.affine, flipped.shape, 2).millimetre(5) == 6

    def test_frame_holds_the_mask_with_a_margin(self):
        mask = np.zeros((40, 50, 3), dtype=bool)
        mask[10:20, 25:45, 1] = True
        rows, columns = View(RAS, mask.shape, 2).frame([mask], [1])
        assert (rows.start, rows.stop) == (4, 26)
        assert (columns.start, columns.stop) == (19, 31)

    def test_frame_of_nothing_is_everything(self):
        frame = View(RAS, (40, 50, 3), 2).frame([np.zeros((40, 50, 3), dtype=bool)], [1])
        assert frame == (slice(0, 50), slice(0, 40))
