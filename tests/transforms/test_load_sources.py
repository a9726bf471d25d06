"""Reading a patient's images, and rejecting those that cannot be fused."""

from __future__ import annotations

import gzip
import shutil
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.data.errors import BadInputError
from scripts.transforms.load_sources import LoadSourcesd

SHAPE = (12, 10, 6)
AFFINE = np.array([[-1.0, 0, 0, 90], [0, -1, 0, 126], [0, 0, 1, -72], [0, 0, 0, 1]])


@pytest.fixture
def patient(tmp_path, write_patient):
    """A patient whose images are fine."""
    return write_patient(tmp_path, "P1", shape=SHAPE, affine=AFFINE, seg=labels())


def labels():
    seg = np.zeros(SHAPE)
    seg[4:6, 4:6, 2:4] = 1
    return seg


def volume(shape=SHAPE):
    return np.random.default_rng(0).uniform(1, 100, shape).astype(np.float32)


def rewrite(path, data, affine=AFFINE):
    nib.save(nib.Nifti1Image(data, affine), path)


def refused(record, match):
    with pytest.raises(BadInputError, match=match) as caught:
        LoadSourcesd()(record)
    return str(caught.value)


class TestGoodPatient:
    def test_sources_become_one_image_in_order(self, patient):
        data = LoadSourcesd()(patient)
        image = data["image"]
        assert isinstance(image, MetaTensor)
        assert (image.shape, image.dtype) == ((2, *SHAPE), torch.float32)
        assert np.array_equal(image.affine, AFFINE)
        assert image.meta["filename_or_obj"] == patient["t1gd"]
        for channel, source in enumerate(("t1gd", "flair")):
            assert np.array_equal(image[channel], nib.load(patient[source]).get_fdata())
        assert data["patient"] == "P1"
        assert data["files"] == {source: patient[source] for source in ("t1gd", "flair")}

    def test_a_good_patient_gives_no_warning(self, patient):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            LoadSourcesd()(patient)

    def test_the_segmentation_comes_along(self, patient):
        seg = LoadSourcesd()(patient)["seg"]
        assert seg.shape == (1, *SHAPE)
        assert seg.sum() == 8
        del patient["seg"]
        assert "seg" not in LoadSourcesd()(patient)

    def test_the_record_is_not_changed(self, patient):
        before = dict(patient)
        LoadSourcesd()(patient)
        assert patient == before

    def test_the_order_of_sources_is_the_order_of_channels(self, patient):
        image = LoadSourcesd()(patient)["image"].as_tensor()
        swapped = LoadSourcesd(("flair", "t1gd"))(patient)["image"].as_tensor()
        assert torch.equal(swapped, image.flip(0))

    def test_plain_nii_and_upper_case_names_are_read(self, patient):
        path = Path(patient["flair"]).with_name("P1_FLAIR.NII")
        rewrite(path.with_suffix(".nii"), volume())
        path.with_suffix(".nii").rename(path)
        patient["flair"] = str(path)
        assert np.array_equal(LoadSourcesd()(patient)["image"][1], volume())

    def test_scaled_integers_are_read_in_their_units(self, patient):
        image = nib.Nifti1Image(volume(), AFFINE)
        image.set_data_dtype(np.int16)
        nib.save(image, patient["flair"])
        assert np.allclose(LoadSourcesd()(patient)["image"][1], volume(), atol=0.01)

    def test_a_trailing_axis_of_one_is_dropped(self, patient):
        rewrite(patient["flair"], volume((*SHAPE, 1)))
        assert LoadSourcesd()(patient)["image"].shape == (2, *SHAPE)

    def test_volumes_of_one_slice_are_read(self, patient):
        for source in ("t1gd", "flair"):
            rewrite(patient[source], volume((12, 10, 1)) * (2 if source == "flair" else 1))
        del patient["seg"]
        assert LoadSourcesd()(patient)["image"].shape == (2, 12, 10, 1)

    def test_rounding_of_the_affine_is_forgiven(self, patient):
        rewrite(patient["flair"], volume(), AFFINE + 5e-4)
        assert np.array_equal(LoadSourcesd()(patient)["image"].affine, AFFINE)


class TestChannels:
    @pytest.fixture
    def record(self, tmp_path):
        path = tmp_path / "BRATS_001.nii.gz"
        rewrite(path, volume((*SHAPE, 4)))
        channels = {"t1gd": 2, "flair": 0}
        return {"patient": "B", "t1gd": str(path), "flair": str(path), "channels": channels}

    def test_sources_are_picked_from_one_file_without_a_warning(self, record, recwarn):
        image = LoadSourcesd()(record)["image"]
        stored = volume((*SHAPE, 4))
        assert np.array_equal(image[0], stored[..., 2])
        assert np.array_equal(image[1], stored[..., 0])
        assert not recwarn.list

    def test_a_channel_that_is_not_there_is_refused(self, record):
        record["channels"]["t1gd"] = 7
        refused(record, r"BRATS_001\.nii\.gz has 4 channels, but channel 7")

    def test_a_file_of_one_volume_is_refused(self, record):
        rewrite(record["t1gd"], volume())
        refused(record, r"expected 4 dimensions with the modalities last")


class TestMissing:
    def test_a_problem_record_is_refused_with_its_text(self):
        refused({"patient": "P", "problem": "P: the flair image is missing"}, "flair image is miss")

    def test_a_record_without_a_source_is_refused(self, patient):
        del patient["flair"]
        refused(patient, r"P1: no file is given for flair\. Give one file")

    def test_a_missing_file_is_refused(self, patient):
        Path(patient["flair"]).unlink()
        refused(patient, r"P1_flair\.nii\.gz does not exist")

    def test_a_folder_instead_of_a_file_is_refused(self, patient):
        Path(patient["flair"]).unlink()
        Path(patient["flair"]).mkdir()
        refused(patient, r"P1_flair\.nii\.gz is a folder")

    def test_a_missing_segmentation_is_refused_where_it_is_wanted(self, patient):
        Path(patient["seg"]).unlink()
        refused(patient, r"P1_seg\.nii\.gz does not exist")
        assert "seg" not in LoadSourcesd(with_seg=False)(patient)


class TestDamagedFiles:
    def test_an_empty_file_is_refused(self, patient):
        Path(patient["flair"]).write_bytes(b"")
        refused(patient, r"P1_flair\.nii\.gz is empty \(0 bytes\)\. Copy or download")

    @pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
    def test_a_truncated_gz_is_refused(self, patient, kept):
        rewrite(patient["flair"], volume((60, 60, 20)))
        content = Path(patient["flair"]).read_bytes()
        Path(patient["flair"]).write_bytes(content[: int(kept * len(content))])
        refused(patient, r"P1_flair\.nii\.gz cannot be read as NIfTI: it is truncated.*Copy")

    def test_a_truncated_nii_is_refused(self, patient):
        path = Path(patient["flair"]).with_suffix("")
        rewrite(path, volume())
        path.write_bytes(path.read_bytes()[:900])
        patient["flair"] = str(path)
        refused(patient, r"P1_flair\.nii cannot be read as NIfTI")

    def test_a_flipped_byte_in_the_gz_is_refused(self, patient):
        content = bytearray(Path(patient["flair"]).read_bytes())
        content[len(content) // 2] ^= 0xFF
        Path(patient["flair"]).write_bytes(content)
        refused(patient, r"P1_flair\.nii\.gz cannot be read as NIfTI")

    def test_a_file_that_is_not_a_gzip_is_refused(self, patient):
        Path(patient["flair"]).write_bytes(b"<html>404 not found</html>" * 40)
        refused(patient, r"P1_flair\.nii\.gz is a web page, not an image")

    def test_a_gzip_of_something_else_is_refused(self, patient):
        Path(patient["flair"]).write_bytes(gzip.compress(b"no header" * 100))
        refused(patient, r"P1_flair\.nii\.gz cannot be read as NIfTI")

    def test_another_extension_is_refused(self, patient):
        patient["flair"] = shutil.copy(patient["flair"], patient["flair"][:-7] + ".dcm")
        refused(patient, r"P1_flair\.dcm has an unsupported extension.*dcm2niix")

    @pytest.mark.parametrize("kind", ["complex", "colour"])
    def test_voxels_that_are_no_grey_values_are_refused(self, patient, kind):
        if kind == "complex":
            data = volume() + 1j * volume()
        else:
            data = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
            data["R"] = volume()
        rewrite(patient["flair"], data)
        refused(patient, r"P1_flair\.nii\.gz holds voxels of type .*expected one grey value")


class TestShapes:
    def test_a_2d_file_is_refused(self, patient):
        rewrite(patient["flair"], volume((12, 10)))
        refused(patient, r"P1_flair\.nii\.gz has 2 dimensions \(shape \(12, 10\)\), expected 3")

    def test_a_4d_file_is_refused(self, patient):
        rewrite(patient["flair"], volume((*SHAPE, 3)))
        refused(patient, r"P1_flair\.nii\.gz has 4 dimensions.*Save one volume per file")

    def test_an_axis_without_voxels_is_refused(self, patient):
        rewrite(patient["flair"], np.zeros((12, 0, 6), dtype=np.float32))
        refused(patient, r"P1_flair\.nii\.gz has no voxels")

    def test_different_shapes_are_refused(self, patient):
        rewrite(patient["flair"], volume((12, 10, 7)))
        message = refused(patient, r"different shapes: \(12, 10, 6\) in .*P1_t1ce\.nii\.gz")
        assert f"(12, 10, 7) in {patient['flair']}" in message
        assert "resample" in message

    def test_a_segmentation_of_another_shape_is_refused(self, patient):
        rewrite(patient["seg"], np.ones((12, 10, 7), dtype=np.uint8))
        refused(patient, r"segmentation .*P1_seg\.nii\.gz has shape \(12, 10, 7\).*or leave it out")


class TestAffines:
    def test_different_affines_are_refused(self, patient):
        moved = AFFINE.copy()
        moved[0, 3] += 3
        rewrite(patient["flair"], volume(), moved)
        message = refused(patient, "different affines, their voxels are up to 3 mm apart")
        rest = "[0.0, -1.0, 0.0, 126.0], [0.0, 0.0, 1.0, -72.0]]"
        assert f"[[-1.0, 0.0, 0.0, 90.0], {rest} in {patient['t1gd']}" in message
        assert f"[[-1.0, 0.0, 0.0, 93.0], {rest} in {patient['flair']}" in message

    def test_flipped_axes_are_refused(self, patient):
        rewrite(patient["flair"], volume(), AFFINE @ np.diag([-1.0, 1, 1, 1]))
        refused(patient, "different affines")

    def test_a_singular_affine_is_refused(self, patient):
        singular = AFFINE.copy()
        singular[:3, 2] = singular[:3, 1]
        rewrite(patient["flair"], volume(), singular)
        refused(patient, r"P1_flair\.nii\.gz has an affine that cannot be inverted")


class TestIntensities:
    def test_nan_and_inf_are_counted_and_refused(self, patient):
        data = volume()
        data[0, 0, :3] = np.nan
        data[1, 0, :2] = (np.inf, -np.inf)
        rewrite(patient["flair"], data)
        refused(patient, r"P1_flair\.nii\.gz \(flair\) holds 3 NaN and 2 Inf among 720 voxels")

    def test_an_all_zero_volume_is_refused(self, patient):
        rewrite(patient["t1gd"], np.zeros(SHAPE, dtype=np.int16))
        refused(patient, r"P1_t1ce\.nii\.gz \(t1gd\) is all zero")

    def test_a_constant_volume_is_refused(self, patient):
        rewrite(patient["t1gd"], np.full(SHAPE, 12, dtype=np.int16))
        refused(patient, r"P1_t1ce\.nii\.gz \(t1gd\) is constant \(12 everywhere\)")

    def test_a_constant_slice_is_not_an_error(self, patient):
        data = volume()
        data[..., 0] = 0
        rewrite(patient["flair"], data)
        assert (LoadSourcesd()(patient)["image"][1, ..., 0] == 0).all()

    def test_nan_in_the_segmentation_is_refused(self, patient):
        rewrite(patient["seg"], np.full(SHAPE, np.nan, dtype=np.float32))
        refused(patient, r"segmentation .*P1_seg\.nii\.gz holds NaN")


class TestPatients:
    def test_files_of_two_patients_are_refused(self, patient, tmp_path, write_patient):
        other = write_patient(tmp_path, "P2", shape=SHAPE, affine=AFFINE)
        message = refused(
            {"patient": "P1", "t1gd": patient["t1gd"], "flair": other["flair"]},
            "different patients by their names",
        )
        assert f"{other['flair']} (P2)" in message

    def test_names_of_no_known_pattern_are_not_compared(self, patient):
        renamed = Path(patient["flair"]).with_name("scan_7.nii.gz")
        Path(patient["flair"]).rename(renamed)
        LoadSourcesd()({**patient, "flair": str(renamed)})

    def test_the_comparison_can_be_left_out(self, patient, tmp_path, write_patient):
        other = write_patient(tmp_path, "P2", shape=SHAPE, affine=AFFINE)
        record = {"patient": "P1", "t1gd": patient["t1gd"], "flair": other["flair"]}
        LoadSourcesd(require_names_match=False)(record)


class TestSameImageTwice:
    def test_the_same_file_given_twice_is_warned_of_once(self, patient):
        with pytest.warns(UserWarning, match="both as t1gd and as flair") as caught:
            LoadSourcesd()({**patient, "flair": patient["t1gd"]})
        assert len(caught) == 1

    def test_a_link_to_the_same_file_is_warned_of(self, patient):
        Path(patient["flair"]).unlink()
        Path(patient["flair"]).symlink_to(patient["t1gd"])
        with pytest.warns(UserWarning, match="both as t1gd and as flair"):
            LoadSourcesd()(patient)

    def test_a_copy_of_the_same_voxels_is_warned_of(self, patient):
        shutil.copy(patient["t1gd"], patient["flair"])
        with pytest.warns(UserWarning, match="hold the same voxels"):
            LoadSourcesd()(patient)
