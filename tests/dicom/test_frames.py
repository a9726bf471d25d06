import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import Dataset  # noqa: E402

from scripts.dicom.frames import b_value, plain_headers  # noqa: E402
from scripts.phantom.study import write_series  # noqa: E402

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
