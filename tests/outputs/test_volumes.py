from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.data.coordinates import write_coordinates
from scripts.data.errors import BadInputError, InternalError
from scripts.outputs.levels import as_stored
from scripts.outputs.volumes import (
    DESCRIP_LIMIT,
    estimate_descrip,
    full_scale,
    fused_descrip,
    load_fused,
    load_latent,
    save_volume,
)

# Left-posterior-superior, anisotropic and off-centre, so that nothing is right by chance.
AFFINE = np.array([[-0.9, 0, 0, 80], [0, -1.1, 0, 100.5], [0, 0, 5, -40], [0, 0, 0, 1]])


@pytest.fixture
def fused() -> np.ndarray:
    values = np.random.default_rng(0).uniform(0, 1, (7, 6, 5)).astype(np.float32)
    values[0, 0, :2] = 0, 1
    return values


def write_nifti(path, array, affine=AFFINE):
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


class TestSaveVolume:
    def test_float32_comes_back_to_the_bit(self, tmp_path, fused):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        image = nib.load(tmp_path / "f.nii.gz")
        assert image.get_data_dtype() == np.float32
        np.testing.assert_array_equal(np.asarray(image.dataobj), fused)

    @pytest.mark.parametrize(("dtype", "levels"), [("uint8", 255), ("uint16", 65535)])
    def test_integers_hold_the_whole_range_and_readers_see_zero_to_one(self, tmp_path, fused, dtype, levels):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE, dtype)
        image = nib.load(tmp_path / "f.nii.gz")
        raw = image.dataobj.get_unscaled()
        assert raw.dtype == dtype
        assert (raw.min(), raw.max()) == (0, levels)
        assert image.dataobj.slope == pytest.approx(1 / levels, rel=1e-6)
        np.testing.assert_allclose(image.get_fdata(), fused, atol=0.51 / levels)

    def test_the_scale_factor_stands_in_the_header_on_disk(self, tmp_path, fused):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE, "uint8")
        header = gzip.decompress((tmp_path / "f.nii.gz").read_bytes())[:348]
        slope, intercept = np.frombuffer(header[112:120], "<f4")
        assert (slope, intercept) == (np.float32(1 / 255), 0)

    def test_integers_cut_off_what_lies_outside_the_range(self, tmp_path):
        volume = np.array([-0.2, 0.0, 0.5, 1.0, 1.3]).reshape(5, 1, 1)
        save_volume(tmp_path / "f.nii.gz", volume, AFFINE, "uint8")
        raw = nib.load(tmp_path / "f.nii.gz").dataobj.get_unscaled()
        assert raw.ravel().tolist() == [0, 0, 128, 255, 255]

    def test_int16_keeps_scanner_units_when_no_range_is_given(self, tmp_path):
        volume = np.array([-3.4, 0.0, 417.6, 1e6]).reshape(4, 1, 1)
        save_volume(tmp_path / "d.nii.gz", volume, AFFINE, "int16", value_range=None)
        image = nib.load(tmp_path / "d.nii.gz")
        assert image.get_fdata().ravel().tolist() == [-3, 0, 418, 32767]
        assert image.dataobj.slope == 1

    def test_tensors_with_a_gradient_are_taken(self, tmp_path, fused):
        save_volume(tmp_path / "f.nii.gz", torch.tensor(fused, requires_grad=True), AFFINE)
        np.testing.assert_array_equal(nib.load(tmp_path / "f.nii.gz").get_fdata(), fused)

    def test_affine_units_and_description_are_in_the_header(self, tmp_path, fused):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE, descrip=fused_descrip())
        image = nib.load(tmp_path / "f.nii.gz")
        np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)
        np.testing.assert_allclose(image.get_qform(), AFFINE, atol=1e-4)
        assert image.header.get_xyzt_units()[0] == "mm"
        assert image.header["descrip"].item() == b"FusionINN fused, research use only"

    def test_coordinate_codes_are_those_of_the_source(self, tmp_path, fused):
        source = nib.Nifti1Image(fused, AFFINE)
        source.set_qform(AFFINE, code=2)
        source.set_sform(AFFINE, code=4)
        nib.save(source, tmp_path / "source.nii.gz")
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE, like=tmp_path / "source.nii.gz")
        header = nib.load(tmp_path / "f.nii.gz").header
        assert (int(header["qform_code"]), int(header["sform_code"])) == (2, 4)

    def test_sheared_affine_survives_in_the_sform(self, tmp_path, fused):
        sheared = AFFINE.copy()
        sheared[0, 1] = 0.4
        save_volume(tmp_path / "f.nii.gz", fused, sheared)
        image = nib.load(tmp_path / "f.nii.gz")
        np.testing.assert_allclose(image.affine, sheared, atol=1e-6)
        assert int(image.header["qform_code"]) == 0

    def test_a_volume_that_would_lie_elsewhere_is_an_internal_error_and_no_file(self, tmp_path, fused, monkeypatch):
        def shifted(header, affine, shape, like):
            aside = affine.copy()
            aside[0, 3] += 1.5
            write_coordinates(header, aside, shape, like)

        save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        before = (tmp_path / "f.nii.gz").read_bytes()
        monkeypatch.setattr("scripts.outputs.volumes.write_coordinates", shifted)
        with pytest.raises(InternalError, match=r"f\.nii\.gz was not written: it would lie up to 1\.5 mm off"):
            save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        assert (tmp_path / "f.nii.gz").read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1

    @pytest.mark.parametrize(("dtype", "value_range"), [("float32", (0, 1)), ("uint16", (0, 1)), ("int16", None)])
    def test_what_is_given_is_not_changed(self, tmp_path, fused, dtype, value_range):
        volume, affine = torch.from_numpy(fused * 3), AFFINE.copy()
        before = volume.clone()
        save_volume(tmp_path / "f.nii.gz", volume, affine, dtype, value_range=value_range)
        assert torch.equal(volume, before)
        assert np.array_equal(affine, AFFINE)

    @pytest.mark.parametrize("load", [load_fused, load_latent])
    def test_a_wrong_checksum_is_refused(self, tmp_path, fused, load):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        content = bytearray((tmp_path / "f.nii.gz").read_bytes())
        content[-8] ^= 1
        (tmp_path / "f.nii.gz").write_bytes(content)
        with pytest.raises(BadInputError, match=r"f\.nii\.gz cannot be read as NIfTI.*CRC"):
            load(tmp_path / "f.nii.gz")

    def test_same_content_gives_the_same_bytes(self, tmp_path, fused):
        for name in ("a.nii.gz", "b.nii.gz"):
            save_volume(tmp_path / name, fused, AFFINE, "uint16")
        assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()

    def test_uncompressed_and_four_dimensional_files_are_written(self, tmp_path):
        latent = np.random.default_rng(0).normal(size=(4, 5, 6, 2)).astype(np.float32)
        save_volume(tmp_path / "z.nii", latent, AFFINE)
        np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "z.nii").dataobj), latent)

    def test_nan_is_refused_and_the_existing_file_stays(self, tmp_path, fused):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        before = (tmp_path / "f.nii.gz").read_bytes()
        fused[1, 2, 3] = np.nan
        with pytest.raises(BadInputError, match=r"f\.nii\.gz was not written: 1 of its 210"):
            save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        assert (tmp_path / "f.nii.gz").read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1

    def test_wrong_arguments_name_the_value(self, tmp_path, fused):
        with pytest.raises(ValueError, match="dtype \\(float16\\) must be one of float32"):
            save_volume(tmp_path / "f.nii.gz", fused, AFFINE, "float16")
        with pytest.raises(ValueError, match="shape \\[X, Y, Z\\], got \\(7, 6\\)"):
            save_volume(tmp_path / "f.nii.gz", fused[..., 0], AFFINE)
        with pytest.raises(ValueError, match="at most 79 ASCII"):
            save_volume(tmp_path / "f.nii.gz", fused, AFFINE, descrip="x" * 80)

    def test_descriptions_fit_the_header(self):
        assert "ESTIMATED t1gd" in estimate_descrip("t1gd")
        assert len(estimate_descrip("t1gd")) <= DESCRIP_LIMIT


class TestLoadFused:
    @pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 0), ("uint16", 8e-6), ("uint8", 2e-3)])
    def test_what_was_saved_comes_back(self, tmp_path, fused, dtype, tolerance):
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE, dtype)
        values, affine, stored = load_fused(tmp_path / "f.nii.gz")
        assert (values.dtype, stored) == (np.float32, dtype)
        np.testing.assert_allclose(values, fused, atol=tolerance)
        np.testing.assert_allclose(affine, AFFINE, atol=1e-6)

    @pytest.mark.parametrize(("dtype", "highest"), [("uint8", 255), ("uint16", 65535)])
    def test_every_level_comes_back_to_the_bit_as_it_was_decomposed(self, tmp_path, dtype, highest):
        levels = torch.arange(highest + 1).reshape(-1, 16, 1) / highest
        save_volume(tmp_path / "f.nii.gz", levels, AFFINE, dtype)
        assert torch.equal(torch.from_numpy(load_fused(tmp_path / "f.nii.gz")[0]), as_stored(levels, dtype))

    @pytest.mark.parametrize(("dtype", "one"), [("uint8", 255), ("int16", 255), ("uint16", 255), ("uint16", 65535)])
    def test_integers_of_other_tools_without_scale_factor_span_their_range(self, tmp_path, fused, dtype, one):
        write_nifti(tmp_path / "f.nii.gz", np.rint(fused * one).astype(dtype))
        values, _, _ = load_fused(tmp_path / "f.nii.gz")
        np.testing.assert_allclose(values, fused, atol=0.51 / one)

    def test_a_trailing_axis_of_length_one_is_dropped(self, tmp_path, fused):
        write_nifti(tmp_path / "f.nii.gz", fused[..., None])
        assert load_fused(tmp_path / "f.nii.gz")[0].shape == (7, 6, 5)

    def test_excess_is_cut_off_unless_it_is_asked_for(self, tmp_path, fused):
        fused[3, 3, 3] = 1.25
        save_volume(tmp_path / "f.nii.gz", fused, AFFINE)
        assert load_fused(tmp_path / "f.nii.gz")[0].max() == 1
        assert load_fused(tmp_path / "f.nii.gz", clip=False)[0].max() == 1.25

    def test_missing_file(self, tmp_path):
        with pytest.raises(BadInputError, match=r"gone\.nii\.gz does not exist"):
            load_fused(tmp_path / "gone.nii.gz")

    def test_empty_file(self, tmp_path):
        (tmp_path / "f.nii.gz").touch()
        with pytest.raises(BadInputError, match=r"f\.nii\.gz is empty"):
            load_fused(tmp_path / "f.nii.gz")

    @pytest.mark.parametrize("keep", [0.05, 0.5, 0.99])
    def test_truncated_file(self, tmp_path, keep):
        volume = np.random.default_rng(0).uniform(0, 1, (30, 30, 10)).astype(np.float32)
        save_volume(tmp_path / "f.nii.gz", volume, AFFINE)
        content = (tmp_path / "f.nii.gz").read_bytes()
        (tmp_path / "f.nii.gz").write_bytes(content[: int(keep * len(content))])
        with pytest.raises(BadInputError, match=r"f\.nii\.gz cannot be read as NIfTI: it is truncated"):
            load_fused(tmp_path / "f.nii.gz")

    def test_truncated_uncompressed_file(self, tmp_path, fused):
        save_volume(tmp_path / "f.nii", fused, AFFINE)
        content = (tmp_path / "f.nii").read_bytes()
        (tmp_path / "f.nii").write_bytes(content[:-100])
        with pytest.raises(BadInputError, match=r"f\.nii cannot be read"):
            load_fused(tmp_path / "f.nii")

    def test_file_of_another_kind(self, tmp_path):
        (tmp_path / "f.nii.gz").write_text("this is a note")
        with pytest.raises(BadInputError, match=r"f\.nii\.gz cannot be read"):
            load_fused(tmp_path / "f.nii.gz")

    @pytest.mark.parametrize("shape", [(7, 6), (7, 6, 5, 2)])
    def test_other_than_one_volume(self, tmp_path, shape):
        write_nifti(tmp_path / "f.nii.gz", np.linspace(0, 1, np.prod(shape)).reshape(shape))
        with pytest.raises(BadInputError, match=r"f\.nii\.gz has shape .*one file per volume"):
            load_fused(tmp_path / "f.nii.gz")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_invalid_voxels(self, tmp_path, fused, value):
        fused[0, 1, 2] = value
        write_nifti(tmp_path / "f.nii.gz", fused)
        with pytest.raises(BadInputError, match=r"f\.nii\.gz contains 1 voxels that are NaN"):
            load_fused(tmp_path / "f.nii.gz")

    def test_constant_volume(self, tmp_path, fused):
        write_nifti(tmp_path / "f.nii.gz", np.zeros_like(fused))
        with pytest.raises(BadInputError, match="only the value 0"):
            load_fused(tmp_path / "f.nii.gz")

    def test_source_image_in_scanner_units(self, tmp_path, fused):
        write_nifti(tmp_path / "t1ce.nii.gz", fused * 900)
        with pytest.raises(BadInputError, match=r"t1ce\.nii\.gz has values from 0 to 900.*_fused"):
            load_fused(tmp_path / "t1ce.nii.gz")

    def test_int16_source_image(self, tmp_path, fused):
        write_nifti(tmp_path / "t1ce.nii.gz", (fused * 900).astype("int16"))
        with pytest.raises(BadInputError, match="int16 values up to 900 without a scale factor"):
            load_fused(tmp_path / "t1ce.nii.gz")

    def test_colour_image(self, tmp_path):
        pixels = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
        write_nifti(tmp_path / "f.nii.gz", pixels)
        with pytest.raises(BadInputError, match="expected one grey value each"):
            load_fused(tmp_path / "f.nii.gz")


class TestLoadLatent:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_it_comes_back_to_the_bit_channels_first(self, tmp_path, channels):
        latent = np.random.default_rng(0).normal(size=(channels, 4, 5, 6)).astype(np.float32)
        save_volume(tmp_path / "z.nii.gz", latent[0] if channels == 1 else np.moveaxis(latent, 0, -1), AFFINE)
        np.testing.assert_array_equal(load_latent(tmp_path / "z.nii.gz"), latent)

    def test_a_scale_factor_of_the_header_is_followed(self, tmp_path):
        latent = np.linspace(-2, 2, 60).reshape(3, 4, 5)
        save_volume(tmp_path / "z.nii.gz", latent, AFFINE, "uint16", value_range=(-2.0, 2.0))
        np.testing.assert_allclose(load_latent(tmp_path / "z.nii.gz"), latent[None], atol=4 / 65535)

    def test_a_missing_or_damaged_file_is_refused_with_the_remedy(self, tmp_path, fused):
        path = tmp_path / "z.nii.gz"
        with pytest.raises(BadInputError, match=r"z\.nii\.gz does not exist.*Keep the latent next to .* or fuse again"):
            load_latent(path)
        save_volume(path, fused, AFFINE)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(BadInputError, match=r"z\.nii\.gz cannot be read .* fuse again"):
            load_latent(path)

    @pytest.mark.parametrize("values", [np.full((3, 4, 5), np.nan), np.ones((3, 4, 5, 2, 2)), np.ones((3, 4))])
    def test_what_is_not_a_latent_is_refused(self, tmp_path, values):
        path = write_nifti(tmp_path / "z.nii.gz", values.astype(np.float32))
        with pytest.raises(BadInputError, match="is not the latent of a fused volume"):
            load_latent(path)


@pytest.mark.parametrize(
    ("dtype", "highest", "expected"),
    [("uint8", 7, 255), ("int16", 255, 255), ("int16", 256, None), ("uint16", 256, 65535), ("int32", 4000, 65535)],
)
def test_what_means_one_in_integers_follows_from_type_and_highest_value(dtype, highest, expected):
    assert full_scale(np.dtype(dtype), highest) == expected
