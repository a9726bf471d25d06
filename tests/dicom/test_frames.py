import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import Dataset  # noqa: E402

from phantom_studies.study import write_series  # noqa: E402
from scripts.dicom.frames import b_value, plain_headers  # noqa: E402

VOLUME = np.random.default_rng(0).integers(0, 900, (6, 8, 4))
AFFINE = np.diag([-1.0, -1.25, 4.0, 1.0])
SHARED = [
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "EchoTime"),
    *("RepetitionTime", "InversionTime", "FrameOfReferenceUID", "PatientID", "Rows", "ContrastBolusAgent"),
]


@pytest.mark.parametrize("source", ["t1gd", "flair"])
def test_frames_read_like_classic_instances(tmp_path, source):
    classic = [
        plain_headers(pydicom.dcmread(path))[0] for path in write_series(tmp_path / "c", VOLUME, AFFINE, source=source)
    ]
    (path,) = write_series(tmp_path / "e", VOLUME, AFFINE, source=source, enhanced=True)
    enhanced = plain_headers(pydicom.dcmread(path))
    assert [header.InstanceNumber for header in enhanced] == [1, 2, 3, 4]
    for one, other in zip(classic, enhanced, strict=True):
        assert [one.get(name) for name in SHARED] == [other.get(name) for name in SHARED]
        assert set(one.ScanningSequence) == set(other.ScanningSequence)
        assert "PixelData" not in other and "PerFrameFunctionalGroupsSequence" not in other


def test_the_instance_is_not_changed(tmp_path):
    (path,) = write_series(tmp_path, VOLUME, AFFINE, enhanced=True)
    dataset = pydicom.dcmread(path)
    before = dataset.to_json()
    plain_headers(dataset)
    assert dataset.to_json() == before


@pytest.mark.parametrize(
    ("tag", "representation", "value"),
    [(0x00189087, "FD", 1000.0), (0x0019100C, "IS", "1000"), (0x00431039, "IS", ["1000001000", "0"])],
)
def test_b_values_of_three_vendors(tag, representation, value):
    header = Dataset()
    header.add_new(tag, representation, value)
    assert b_value(header) == 1000.0


def test_private_values_of_unknown_type_are_read():
    header = Dataset()
    header.add_new(0x00431039, "UN", b"800\\8\\0\\0")
    assert b_value(header) == 800.0


def test_without_diffusion_there_is_no_b_value():
    assert b_value(Dataset()) is None


def test_malformed_values_do_no_harm(tmp_path):
    path = write_series(tmp_path, VOLUME, AFFINE)[0]
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x18\x00\x91\x00IS\x02\x001 ", b"\x18\x00\x91\x00IS\x02\x001A"))
    (header,) = plain_headers(pydicom.dcmread(path))
    assert header.EchoTime == 2.98


def private_copy_of_a_classic_instance(position):
    """What Philips scanners put into each frame's groups: an instance of other position, rescale and UID."""
    classic = Dataset()
    classic.SOPInstanceUID = "1.2.3.404"
    classic.ImageType = ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]
    classic.ImagePositionPatient = position
    classic.PixelSpacing = [9.0, 9.0]
    classic.RescaleSlope, classic.RescaleIntercept = 7.0, 77.0
    classic.EchoTime = 99.0
    return [classic]


def test_private_groups_do_not_change_place_rescale_or_uid(tmp_path):
    (path,) = write_series(tmp_path, VOLUME, AFFINE, enhanced=True, rescale=(0.5, 10.0))
    dataset = pydicom.dcmread(path)
    before = [(one.ImagePositionPatient, one.EchoTime, one.ImageType) for one in plain_headers(dataset)]
    shared, frames = dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence
    for group, element in [(shared[0], 0x0E), *((frame, 0x0F) for frame in frames)]:
        block = group.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        block.add_new(element, "SQ", private_copy_of_a_classic_instance([-2.0, -2.0, 0.0]))
    dataset.save_as(path)
    headers = plain_headers(pydicom.dcmread(path))
    assert [(one.ImagePositionPatient, one.EchoTime, one.ImageType) for one in headers] == before
    assert {str(one.SOPInstanceUID) for one in headers} == {str(dataset.SOPInstanceUID)}
    assert {(one.RescaleSlope, one.RescaleIntercept) for one in headers} == {(0.5, 10.0)}
    assert {tuple(one.PixelSpacing) for one in headers} == {(1.25, 1.0)}


def test_the_values_of_a_frame_count_before_the_shared_ones(tmp_path):
    (path,) = write_series(tmp_path, VOLUME, AFFINE, enhanced=True)
    dataset = pydicom.dcmread(path)
    frame = dataset.PerFrameFunctionalGroupsSequence[2]
    echo, kind, contrast = Dataset(), Dataset(), Dataset()
    echo.EffectiveEchoTime = 40.0
    kind.FrameType, kind.ComplexImageComponent = ["ORIGINAL", "PRIMARY", "T1", "NONE"], "PHASE"
    contrast.ContrastBolusAgentAdministered = "NO"
    frame.MREchoSequence, frame.MRImageFrameTypeSequence = [echo], [kind]
    frame.ContrastBolusUsageSequence = [contrast]
    headers = plain_headers(dataset)
    assert [header.EchoTime for header in headers] == [2.98, 2.98, 40.0, 2.98]
    assert headers[2].ImageType == ["ORIGINAL", "PRIMARY", "T1", "NONE", "PHASE"]
    assert [header.ContrastBolusAgent for header in headers] == ["Gadobutrol", "Gadobutrol", "NONE", "Gadobutrol"]


def test_another_vendors_block_is_no_b_value():
    header = Dataset()
    header.add_new(0x00190010, "LO", "GEMS_ACQU_01")
    header.add_new(0x0019100C, "IS", "1000")
    assert b_value(header) is None
