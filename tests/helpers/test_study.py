import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.uid import RLELossless  # noqa: E402

from phantom_studies.sequence_headers import SEQUENCES  # noqa: E402
from phantom_studies.study import write_series, write_study  # noqa: E402

VOLUME = np.random.default_rng(0).integers(0, 900, (10, 12, 4))
AFFINE = np.diag([-1.0, -1.25, 4.0, 1.0])


def errors(path):
    """Return dciodvfy's errors for an instance."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy (Debian: dicom3tools)")
    told = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True).stderr
    return [line for line in told.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("vendor", SEQUENCES)
@pytest.mark.parametrize("source", SEQUENCES["GE"])
def test_classic_instances_are_valid(tmp_path, vendor, source):
    rescale = (2.0, -10.0) if vendor == "Philips" else (1.0, 0.0)
    paths = write_series(tmp_path, VOLUME, AFFINE, source=source, vendor=vendor, rescale=rescale)
    assert len(paths) == 4
    assert errors(paths[0]) == []


@pytest.mark.parametrize("source", ["t1gd", "flair"])
def test_enhanced_instances_are_valid(tmp_path, source):
    (path,) = write_series(tmp_path, VOLUME, AFFINE, source=source, enhanced=True)
    assert errors(path) == []


def test_slices_lie_where_the_affine_says(tmp_path):
    affine = np.array([[0.1, -0.9, 0.3, 5], [0.8, 0.2, -0.4, -7], [0.3, 0.3, 2.0, 9], [0, 0, 0, 1.0]])
    instance = pydicom.dcmread(write_series(tmp_path, VOLUME, affine)[2])
    x, y, z = affine @ [0, 0, 2, 1] @ np.diag([-1, -1, 1, 1])[:, :3]
    assert np.allclose(instance.ImagePositionPatient, [x, y, z], atol=1e-6)
    row = np.array(instance.ImageOrientationPatient[:3]) * instance.PixelSpacing[1]
    assert np.allclose(row, affine[:3, 0] * [-1, -1, 1], atol=1e-6)


def test_stored_values_follow_the_rescale(tmp_path):
    paths = write_series(tmp_path, VOLUME - 400, AFFINE, rescale=(2.0, -500.0), dtype="uint16", bits_stored=12)
    instance = pydicom.dcmread(paths[1])
    assert instance.BitsStored == 12
    assert np.abs(instance.pixel_array.T * 2.0 - 500.0 - (VOLUME[:, :, 1] - 400)).max() <= 1.0


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    one, other = (write_series(tmp_path / name, VOLUME, AFFINE)[3].read_bytes() for name in "ab")
    assert one == other


def test_compressed_pixels_are_the_same(tmp_path):
    path = write_series(tmp_path, VOLUME, AFFINE, transfer_syntax=RLELossless)[0]
    instance = pydicom.dcmread(path)
    assert instance.file_meta.TransferSyntaxUID == RLELossless
    assert np.array_equal(instance.pixel_array.T, VOLUME[:, :, 0])


def test_extra_values_win_and_none_leaves_out(tmp_path):
    path = write_series(tmp_path, VOLUME, AFFINE, extra={"EchoTime": 7.0, "SequenceName": None})[0]
    instance = pydicom.dcmread(path)
    assert instance.EchoTime == 7.0
    assert "SequenceName" not in instance


def test_a_study_of_the_example_is_one_patient_s(tmp_path, repository):
    written = write_study(tmp_path, repository / "bundle" / "example" / "phantom-01", patient_id="P7", vendor="GE")
    assert {source: len(paths) for source, paths in written.items()} == {"t1gd": 52, "flair": 52, "localizer": 3}
    heads = [pydicom.dcmread(paths[0], stop_before_pixels=True) for paths in written.values()]
    assert {str(head.PatientID) for head in heads} == {"P7"}
    assert len({head.StudyInstanceUID for head in heads}) == 1
    assert len({head.FrameOfReferenceUID for head in heads}) == 1
    assert len({head.SeriesInstanceUID for head in heads}) == 3


def test_a_move_and_a_spacing_show_in_the_voxels(tmp_path):
    volume = np.zeros((20, 20, 8))
    volume[10, 8, 4] = 800
    move = np.eye(4)
    move[:3, 3] = [2.0, 0.0, 8.0]
    patient = {"t1gd": (volume, AFFINE), "flair": (volume, AFFINE)}
    options = {"move": {"flair": move}, "spacing": {"flair": (1.0, 1.25, 8.0)}, "same_frame": False}
    written = write_study(tmp_path, patient, localizer=False, **options)
    # slices at z = 2, 10, 18 and 26 mm; the voxel at z = 16 now lies at 24, and half of it is seen at 26
    stored = np.stack([pydicom.dcmread(path).pixel_array.T for path in written["flair"]], axis=2)
    assert np.argwhere(stored).tolist() == [[8, 8, 3]]
    assert stored.max() == 400
    frames = {pydicom.dcmread(paths[0]).FrameOfReferenceUID for paths in written.values()}
    assert len(frames) == 2


def test_the_example_s_affine_is_kept(tmp_path, repository):
    folder = repository / "bundle" / "example" / "phantom-01"
    first = pydicom.dcmread(write_study(tmp_path, folder, localizer=False)["flair"][0])
    affine = nib.load(folder / "phantom-01_flair.nii.gz").affine
    assert np.allclose(first.ImagePositionPatient, affine[:3, 3] * [-1, -1, 1])
