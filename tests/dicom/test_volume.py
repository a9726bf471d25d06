import hashlib
import shutil
import subprocess

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.uid import (  # noqa: E402
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402

VOLUME = np.random.default_rng(3).integers(0, 900, (10, 14, 6)).astype(np.float32)
AXIAL = np.diag([-1.0, -1.0, 1.0])
SAGITTAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
OBLIQUE = Rotation.from_euler("xyz", [12, -20, 7], degrees=True).as_matrix()


def grid(directions, spacing=(0.9, 1.1, 4.0)):
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = 3, -20, 11
    return affine


DIRECTIONS = {
    "axial": AXIAL,
    "sagittal": SAGITTAL,
    "coronal": CORONAL,
    "oblique": OBLIQUE @ AXIAL,
    "oblique sagittal": OBLIQUE @ SAGITTAL,
    "written downwards": AXIAL @ np.diag([1, 1, -1]),
}


def read(folder):
    (series,) = scan_folder(folder).series
    return read_series(series)


def change(path, **values):
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def assert_same_in_space(volume, affine, other, other_affine):
    """Each voxel of one volume has its value at the same world position in the other."""
    across = np.linalg.inv(other_affine) @ affine
    index = across[:3, :3] @ np.indices(volume.shape).reshape(3, -1) + across[:3, 3:]
    assert np.abs(index - index.round()).max() < 1e-4
    assert np.array_equal(other[tuple(index.round().astype(int))], volume.reshape(-1))


@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("enhanced", [False, True])
def test_voxels_lie_where_they_were_written(tmp_path, name, enhanced):
    affine = grid(DIRECTIONS[name])
    write_series(tmp_path, VOLUME, affine, enhanced=enhanced)
    found = read(tmp_path)
    assert found.volume.shape == VOLUME.shape
    assert found.volume.affine.dtype.itemsize == 8
    assert_same_in_space(found.volume.numpy(), found.volume.affine.numpy(), VOLUME, affine)


@pytest.mark.parametrize("name", ["axial", "oblique sagittal"])
def test_itk_puts_the_same_voxels_at_the_same_places(tmp_path, name):
    itk = pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")
    write_series(tmp_path, VOLUME, grid(DIRECTIONS[name]))
    names = itk.GDCMSeriesFileNames.New(Directory=str(tmp_path)).GetInputFileNames()
    image = itk.imread(list(names), itk.F)
    affine = np.eye(4)
    affine[:3, :3] = itk.array_from_matrix(image.GetDirection()) * list(image.GetSpacing())
    affine[:3, 3] = list(image.GetOrigin())
    affine = np.diag([-1, -1, 1, 1]) @ affine
    found = read(tmp_path)
    values = itk.array_from_image(image).transpose(2, 1, 0)
    assert_same_in_space(found.volume.numpy(), found.volume.affine.numpy(), values, affine)


def test_gantry_tilt_is_refused(tmp_path):
    affine = grid(AXIAL)
    affine[1, 2] = 1.0
    write_series(tmp_path, VOLUME, affine)
    with pytest.raises(BadInputError, match=r"shifted sideways by 5 mm .*14°: gantry tilt"):
        read(tmp_path)


def test_headers_follow_the_slices_and_hold_no_pixels(tmp_path):
    write_series(tmp_path, VOLUME, grid(AXIAL @ np.diag([1, 1, -1])))
    found = read(tmp_path)
    assert [header.InstanceNumber for header in found.headers] == [6, 5, 4, 3, 2, 1]
    for k, header in enumerate(found.headers):
        place = found.volume.affine.numpy() @ [0, 0, k, 1]
        assert np.allclose(header.ImagePositionPatient, place[:3] * [-1, -1, 1])
        assert "PixelData" not in header


@pytest.mark.parametrize(
    ("dtype", "bits", "low"), [("int16", 16, -30000), ("int16", 12, -2048), ("uint16", 16, 0), ("uint16", 12, 0)]
)
def test_bits_and_signs(tmp_path, dtype, bits, low):
    volume = VOLUME + low
    volume[0, 0, 0] = low + 2**bits - 1 if bits == 12 or dtype == "uint16" else 32767
    write_series(tmp_path, volume, grid(AXIAL), dtype=dtype, bits_stored=bits)
    found = read(tmp_path)
    assert found.stored_bits == bits
    assert np.array_equal(found.volume.numpy(), volume)


@pytest.mark.parametrize("dtype", ["int16", "uint16"])
def test_what_lies_in_the_bits_above_is_dropped(tmp_path, dtype):
    """Old scanners kept overlays there, and some leave the sign of 12 bits in the middle."""
    volume = VOLUME - (450 if dtype == "int16" else 0)
    for path in write_series(tmp_path, volume, grid(AXIAL), dtype=dtype, bits_stored=12):
        dataset = pydicom.dcmread(path)
        stored = np.frombuffer(dataset.PixelData, np.uint16) & 0x0FFF
        stored[::3] |= 0x5000
        change(path, PixelData=stored.tobytes())
    assert np.array_equal(read(tmp_path).volume.numpy(), volume)


@pytest.mark.parametrize("enhanced", [False, True])
def test_rescale_is_applied(tmp_path, enhanced):
    write_series(tmp_path, VOLUME * 0.5 - 200, grid(AXIAL), enhanced=enhanced, rescale=(0.5, -1000.0))
    found = read(tmp_path)
    assert found.rescale == (0.5, -1000.0)
    assert np.array_equal(found.volume.numpy(), VOLUME * 0.5 - 200)


def test_each_slice_has_its_own_rescale(tmp_path):
    for k, path in enumerate(write_series(tmp_path, VOLUME, grid(AXIAL))):
        change(path, RescaleSlope=1.0 + k, RescaleIntercept=0.0)
    found = read(tmp_path)
    assert np.array_equal(found.volume.numpy(), VOLUME * (1.0 + np.arange(6)))
    assert found.warnings == ["each slice has a rescale of its own, which was applied"]


@pytest.mark.parametrize(
    "syntax",
    [RLELossless, JPEG2000Lossless, ExplicitVRBigEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian],
)
@pytest.mark.parametrize("dtype", ["int16", "uint16"])
def test_transfer_syntaxes(tmp_path, syntax, dtype):
    if syntax == JPEG2000Lossless:
        pytest.importorskip("openjpeg", reason="no pylibjpeg-openjpeg: pip install -r requirements-clinic.txt")
    volume = np.tile(VOLUME, (4, 4, 1)) - (300 if dtype == "int16" else 0)
    write_series(tmp_path, volume, grid(AXIAL), transfer_syntax=syntax, dtype=dtype)
    assert np.array_equal(read(tmp_path).volume.numpy(), volume)


@pytest.mark.parametrize(("option", "loss"), [("+e1", 0), ("+eb", 12)])
def test_jpeg(tmp_path, option, loss):
    pytest.importorskip("gdcm", reason="no gdcm: pip install -r requirements-clinic.txt")
    if shutil.which("dcmcjpeg") is None:
        pytest.skip("no dcmcjpeg (Debian: dcmtk)")
    smooth = np.add.outer(np.add.outer(np.arange(10.0), np.arange(14.0)), np.arange(6.0)) * 8
    (tmp_path / "out").mkdir()
    for path in write_series(tmp_path / "in", smooth, grid(AXIAL), dtype="uint16", bits_stored=12):
        subprocess.run(["dcmcjpeg", option, path, tmp_path / "out" / path.name], check=True, capture_output=True)
    found = read(tmp_path / "out")
    if loss == 0:
        assert np.array_equal(found.volume.numpy(), smooth)
    else:
        assert "its images were compressed with loss" in found.warnings


@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_a_truncated_file_is_named(tmp_path, kept):
    path = write_series(tmp_path, np.tile(VOLUME, (4, 4, 1)), grid(AXIAL))[3]
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(BadInputError, match=r"0009-0004.dcm: truncated.*Export or copy it again"):
        read(tmp_path)


def test_a_truncated_compressed_file_is_named(tmp_path):
    path = write_series(tmp_path, np.tile(VOLUME, (4, 4, 1)), grid(AXIAL), transfer_syntax=RLELossless)[3]
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BadInputError, match=r"0009-0004.dcm: truncated"):
        read(tmp_path)


def test_a_missing_slice_is_told(tmp_path):
    write_series(tmp_path, VOLUME, grid(AXIAL))[2].unlink()
    with pytest.raises(BadInputError, match="slices are missing: between 0009-0002.dcm and 0009-0004.dcm lie 8 mm"):
        read(tmp_path)


def test_missing_slices_at_the_end_are_warned_of_where_the_header_counts_them(tmp_path):
    write_series(tmp_path, VOLUME, grid(AXIAL), extra={"ImagesInAcquisition": 6})[5].unlink()
    assert "Images in Acquisition is 6, but 5 images are there" in read(tmp_path).warnings[0]


def test_copies_are_left_out_with_a_warning(tmp_path):
    for path in write_series(tmp_path, VOLUME, grid(AXIAL))[:2]:
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    found = read(tmp_path)
    assert np.array_equal(found.volume.numpy(), VOLUME)
    assert found.warnings == ["2 files are copies of others and were left out"]


def test_two_files_of_one_uid_that_differ_are_refused(tmp_path):
    path = write_series(tmp_path, VOLUME, grid(AXIAL))[0]
    shutil.copy(path, tmp_path / "other.dcm")
    change(tmp_path / "other.dcm", PixelData=bytes(2 * 10 * 14))
    with pytest.raises(BadInputError, match="have the same SOP Instance UID, but differ"):
        read(tmp_path)


def test_parts_of_a_series_are_read_apart(tmp_path):
    for number, factor in enumerate((1, 2)):
        for path in write_series(
            tmp_path / str(number), factor * VOLUME, grid(AXIAL), extra={"EchoTime": 10.0 * factor}
        ):
            uid = pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID
            change(path, SOPInstanceUID=f"{uid[:60]}.{number}")
    first, second = scan_folder(tmp_path).series
    assert np.array_equal(read_series(first).volume.numpy(), VOLUME)
    assert np.array_equal(read_series(second).volume.numpy(), 2 * VOLUME)


def test_a_repetition_that_nothing_tells_apart_is_refused(tmp_path):
    for number in range(2):
        for path in write_series(tmp_path / str(number), VOLUME, grid(AXIAL)):
            uid = pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID
            change(path, SOPInstanceUID=f"{uid[:60]}.{number}")
    with pytest.raises(BadInputError, match="two acquisitions in one series, which the headers do not distinguish"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"PixelSpacing": [2.0, 2.0]}, "differ in pixel spacing"),
        ({"Rows": 10, "Columns": 14}, "differ in size"),
        ({"FrameOfReferenceUID": "1.2.3"}, "different frames of reference"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "cut in different directions, 0009-0003.dcm"),
        ({"ImagePositionPatient": None}, "lacks Image Position"),
        ({"RescaleSlope": 0.0, "RescaleIntercept": 0.0}, "rescale slope of 0"),
    ],
)
def test_an_image_unlike_the_others_is_told(tmp_path, values, told):
    change(write_series(tmp_path, VOLUME, grid(AXIAL))[2], **values)
    with pytest.raises(BadInputError, match=told):
        read(tmp_path)


def test_padding_does_not_stretch_the_range(tmp_path):
    volume = VOLUME.copy()
    volume[:2] = -2000
    write_series(tmp_path, volume, grid(AXIAL), extra={"PixelPaddingValue": -2000})
    found = read(tmp_path)
    assert found.volume.min() >= 0
    assert found.warnings[0].startswith(f"{2 * 14 * 6} voxels hold the padding value")


def test_nothing_of_the_input_changes(tmp_path):
    paths = write_series(tmp_path, VOLUME, grid(AXIAL))
    before = [(hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) for path in paths]
    for path in paths:
        path.chmod(0o444)
    read(tmp_path)
    assert [(hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) for path in paths] == before
    assert sorted(tmp_path.iterdir()) == paths


@pytest.mark.parametrize("enhanced", [False, True])
def test_every_second_slice_missing_is_refused_with_both_distances(tmp_path, enhanced):
    affine = grid(AXIAL, (0.9, 1.1, 12.0))
    for path in write_series(tmp_path, VOLUME, affine, enhanced=enhanced):
        dataset = pydicom.dcmread(path)
        groups = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0] if enhanced else dataset
        groups.SpacingBetweenSlices, groups.SliceThickness = 6, 5
        dataset.save_as(path)
    with pytest.raises(BadInputError, match="Spacing Between Slices is 6 mm, but the positions lie 12 mm apart"):
        read(tmp_path)


def test_a_part_of_several_acquisitions_is_counted_by_itself(tmp_path):
    write_series(tmp_path, VOLUME, grid(AXIAL), extra={"ImagesInAcquisition": 60})
    assert read(tmp_path).warnings == []


def test_a_mosaic_is_refused_with_its_reason(tmp_path):
    write_series(tmp_path, VOLUME, grid(AXIAL), extra={"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]})
    with pytest.raises(BadInputError, match="is a mosaic, many slices side by side in one image: its Image Type is"):
        read(tmp_path)


def test_more_pixels_than_the_header_describes_are_refused(tmp_path):
    (path,) = write_series(tmp_path, VOLUME, grid(AXIAL), enhanced=True)
    change(path, Rows=13)
    with pytest.raises(BadInputError, match=r"holds 1680 bytes of pixels, but its header describes 1560: 10 × 13"):
        read(tmp_path)


def test_frames_that_no_header_describes_are_refused_before_memory_is_taken(tmp_path):
    path = write_series(tmp_path, VOLUME, grid(AXIAL), transfer_syntax=RLELossless)[0]
    change(path, NumberOfFrames=2_000_000_000)
    with pytest.raises(BadInputError, match="holds 2000000000 frames, but its header describes 1"):
        read(tmp_path)


def test_a_header_that_claims_terabytes_is_refused_before_memory_is_taken(tmp_path):
    (path,) = write_series(tmp_path, VOLUME, grid(AXIAL), enhanced=True, transfer_syntax=RLELossless)
    change(path, Rows=65535, Columns=65535)
    with pytest.raises(BadInputError, match=r"bytes would unpack to 48 GiB or more, which no MR instance has"):
        read(tmp_path)
