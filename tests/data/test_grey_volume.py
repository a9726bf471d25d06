import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.data.grey_volume import read_grey_volume

AFFINE = np.diag([-1.0, -1.0, 3.0, 1.0])


def nifti(path, values, affine=AFFINE, slope=None):
    image = nib.Nifti1Image(values, affine)
    if slope:
        image.header.set_slope_inter(slope, 0)
    nib.save(image, path)
    return path


class TestPictures:
    def test_a_grey_picture_is_a_volume_of_one_slice(self, tmp_path):
        levels = np.array([[0, 51, 255], [102, 153, 204]], dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / "a.png")
        volume = read_grey_volume(tmp_path / "a.png")
        assert volume.is_picture and not volume.coloured and volume.affine is None
        assert (volume.dtype, volume.levels) == (np.uint8, 255)
        assert (volume.values[..., 0] * 255).round().tolist() == levels.tolist()

    def test_of_a_colour_picture_the_luminance_counts_and_this_is_reported(self, tmp_path):
        Image.new("RGB", (3, 2), (255, 0, 0)).save(tmp_path / "a.png")
        volume = read_grey_volume(tmp_path / "a.png")
        assert volume.coloured
        assert volume.values.shape == (2, 3, 1)
        assert volume.values.numpy() == pytest.approx(0.299)

    def test_16_bits_say_so(self, tmp_path):
        Image.fromarray(np.full((2, 3), 65535, dtype=np.uint16)).save(tmp_path / "a.png")
        volume = read_grey_volume(tmp_path / "a.png")
        assert (volume.dtype, volume.levels) == (np.uint16, 65535)
        assert (volume.values == 1).all()


class TestNifti:
    def test_a_volume_keeps_values_affine_and_type(self, tmp_path):
        values = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 5
        volume = read_grey_volume(nifti(tmp_path / "a.nii.gz", values))
        assert volume.values.tolist() == values.tolist()
        assert volume.dtype == np.int16 and volume.levels == 1
        assert np.array_equal(volume.affine, AFFINE)

    def test_integers_with_a_scale_factor_are_no_longer_integers(self, tmp_path):
        volume = read_grey_volume(nifti(tmp_path / "a.nii", np.full((2, 3, 4), 255, np.uint8), slope=1 / 255))
        assert volume.dtype is None
        assert volume.values.numpy() == pytest.approx(1.0)

    def test_an_image_of_two_dimensions_is_a_volume_of_one_slice(self, tmp_path):
        volume = read_grey_volume(nifti(tmp_path / "a.nii", np.arange(6, dtype=np.float32).reshape(2, 3)))
        assert volume.values[..., 0].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert volume.affine is None

    def test_the_identity_is_not_a_known_affine(self, tmp_path):
        assert read_grey_volume(nifti(tmp_path / "a.nii", np.zeros((2, 3, 4), np.uint8), np.eye(4))).affine is None

    def test_a_channel_is_picked(self, tmp_path):
        values = np.arange(48, dtype=np.uint8).reshape(2, 3, 4, 2)
        assert read_grey_volume(nifti(tmp_path / "a.nii", values), 1).values.tolist() == values[..., 1].tolist()

    def test_nan_is_counted_and_its_file_named(self, tmp_path):
        values = np.zeros((2, 3, 4), np.float32)
        values[0, 0, :2] = np.nan
        values[1, 0, 0] = np.inf
        with pytest.raises(BadInputError, match=r"a\.nii holds 2 NaN and 1 Inf among 24 voxels"):
            read_grey_volume(nifti(tmp_path / "a.nii", values))

    def test_several_volumes_in_a_file_are_refused(self, tmp_path):
        with pytest.raises(BadInputError, match=r"a\.nii has 4 dimensions"):
            read_grey_volume(nifti(tmp_path / "a.nii", np.zeros((2, 3, 4, 2), np.uint8)))


def test_other_formats_are_refused(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"x")
    with pytest.raises(BadInputError, match=r"a\.gif has an unsupported extension"):
        read_grey_volume(tmp_path / "a.gif")
