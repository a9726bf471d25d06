import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.data.nifti import check_same_affine, one_volume, read_nifti

SHIFTED = np.array([[-1.0, 0, 0, 5], [0, -1, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]])


def saved(path, values, affine=SHIFTED, slope=None):
    image = nib.Nifti1Image(values, affine)
    if slope:
        image.header.set_slope_inter(slope, 0)
    nib.save(image, path)
    return path


class TestReadNifti:
    def test_values_and_affine_are_those_in_the_file(self, tmp_path):
        values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
        volume = read_nifti(saved(tmp_path / "a.nii.gz", values))
        assert volume.dtype == torch.float32
        assert volume.tolist() == values.tolist()
        assert np.array_equal(volume.affine, SHIFTED)

    def test_a_scale_factor_is_followed(self, tmp_path):
        volume = read_nifti(saved(tmp_path / "a.nii", np.array([[[0, 255]]], dtype=np.uint8), slope=1 / 255))
        torch.testing.assert_close(volume.as_tensor(), torch.tensor([[[0.0, 1.0]]]))

    def test_an_image_of_two_dimensions_is_read_as_such(self, tmp_path):
        assert read_nifti(saved(tmp_path / "a.nii", np.zeros((4, 5), np.uint8))).shape == (4, 5)

    @pytest.mark.parametrize(
        ("name", "content", "told"),
        [
            ("gone.nii", None, "does not exist"),
            ("a.png", b"x", "has an unsupported extension"),
            ("a.nii", b"", "is empty"),
            ("a.nii.gz", b"\x1f\x8b garbage", "truncated, damaged or in another format"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, tmp_path, name, content, told):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInputError, match=f"{name} .*{told}"):
            read_nifti(tmp_path / name)

    def test_complex_numbers_are_refused(self, tmp_path):
        with pytest.raises(BadInputError, match="complex64"):
            read_nifti(saved(tmp_path / "a.nii", np.zeros((2, 2, 2), np.complex64)))


class TestOneVolume:
    def test_a_channel_is_picked(self, tmp_path):
        values = np.arange(16, dtype=np.uint8).reshape(2, 2, 2, 2)
        volume = one_volume(read_nifti(saved(tmp_path / "a.nii", values)), "a.nii", channel=1)
        assert volume.tolist() == values[..., 1].tolist()

    def test_several_volumes_without_a_channel_are_refused(self, tmp_path):
        volume = read_nifti(saved(tmp_path / "a.nii", np.zeros((2, 2, 2, 2), np.uint8)))
        with pytest.raises(BadInputError, match=r"a\.nii has 4 dimensions"):
            one_volume(volume, "a.nii")


class TestCheckSameAffine:
    def test_volumes_that_lie_apart_are_refused_with_the_distance(self, tmp_path):
        moved = SHIFTED.copy()
        moved[0, 3] += 3
        one = read_nifti(saved(tmp_path / "a.nii", np.zeros((2, 3, 4), np.uint8)))
        other = read_nifti(saved(tmp_path / "b.nii", np.zeros((2, 3, 4), np.uint8), moved))
        check_same_affine(one, "a.nii", one, "a.nii")
        with pytest.raises(BadInputError, match=r"up to 3 mm apart.*in a\.nii.*in b\.nii"):
            check_same_affine(one, "a.nii", other, "b.nii")
