import os
import shutil

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.fileset import FileSet  # noqa: E402
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian  # noqa: E402

from phantom_studies.study import write_series, write_study  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402

VOLUME = np.random.default_rng(0).integers(0, 900, (6, 8, 4))
AFFINE = np.diag([-1.0, -1.25, 4.0, 1.0])


def test_series_are_found_nested_and_mixed(tmp_path):
    written = write_study(tmp_path / "deep" / "er", {"t1gd": (VOLUME, AFFINE), "flair": (VOLUME, AFFINE)})
    flat = tmp_path / "flat"
    flat.mkdir()
    for paths in written.values():
        for path in paths:
            path.rename(flat / f"{path.parent.name}{path.stem}")
    write_series(tmp_path, VOLUME, AFFINE, source="t2", enhanced=True, patient_id="OTHER")
    scan = scan_folder(tmp_path)
    found = sorted((one.facts.number, one.facts.instances, one.facts.directions) for one in scan.series)
    assert found == [(1, 3, 3), (3, 4, 1), (6, 4, 1), (9, 4, 1)]
    assert len({one.patient_key for one in scan.series}) == 2
    assert not scan.ignored


def test_other_files_are_left_out_with_a_reason(tmp_path):
    paths = write_series(tmp_path, VOLUME, AFFINE)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").touch()
    (tmp_path / "cut.dcm").write_bytes(paths[0].read_bytes()[:600])
    report = pydicom.dcmread(paths[0])
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    del report.PixelData, report.Rows
    report.save_as(tmp_path / "report.dcm")
    scan = scan_folder(tmp_path)
    told = {path.name: reason for path, reason in scan.ignored.items()}
    assert told["notes.txt"] == "no DICOM file"
    assert told["empty"] == "an empty file"
    assert told["report.dcm"] == "not an image (Basic Text SR Storage)"
    assert told["cut.dcm"].startswith("damaged or truncated DICOM")
    assert [path.name for path in scan.damaged] == ["cut.dcm"]
    assert len(scan.series[0].files) == 4


def test_broken_links_and_pipes_are_left_alone(tmp_path):
    write_series(tmp_path, VOLUME, AFFINE)
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")
    scan = scan_folder(tmp_path)
    assert {path.name: reason for path, reason in scan.ignored.items()} == {
        "link": "a broken link",
        "pipe": "no plain file",
    }
    assert not scan.damaged


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_transfer_syntaxes(tmp_path, syntax):
    write_series(tmp_path, VOLUME, AFFINE, transfer_syntax=syntax)
    assert scan_folder(tmp_path).series[0].facts.instances == 4


def test_files_without_preamble_are_found(tmp_path):
    for path in write_series(tmp_path, VOLUME, AFFINE, transfer_syntax=ImplicitVRLittleEndian):
        dataset = pydicom.dcmread(path)
        dataset.file_meta.clear()
        dataset.preamble = None
        pydicom.dcmwrite(path, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False)
        assert path.read_bytes()[:2] == b"\x08\x00"
    assert scan_folder(tmp_path).series[0].facts.instances == 4


def test_copies_count_once(tmp_path):
    paths = write_series(tmp_path / "a", VOLUME, AFFINE)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (series,) = scan_folder(tmp_path).series
    assert series.facts.instances == len(paths)
    assert series.part == ()


@pytest.mark.parametrize(("keyword", "values"), [("EchoTime", (12.0, 98.0)), ("AcquisitionNumber", (1, 2))])
def test_two_acquisitions_in_one_series_are_told_apart(tmp_path, keyword, values):
    for number, value in enumerate(values):
        paths = write_series(tmp_path / str(number), VOLUME, AFFINE, extra={keyword: value})
        for path in paths:
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID[:60]}.{number}"
            dataset.save_as(path)
    first, second = scan_folder(tmp_path).series
    assert first.uid == second.uid
    assert (first.part, first.part_number) == (((keyword, float(values[0])),), 1)
    assert (second.part, second.part_number) == (((keyword, float(values[1])),), 2)
    assert len(first.files) == len(second.files) == 4


def test_orientations_that_differ_by_rounding_are_one_direction(tmp_path):
    for k, path in enumerate(write_series(tmp_path, VOLUME, AFFINE)):
        dataset = pydicom.dcmread(path)
        dataset.ImageOrientationPatient = [1, 0.0049999 + k * 1e-6, 0, -0.0049999, 1, 0]
        dataset.save_as(path)
    assert scan_folder(tmp_path).series[0].facts.directions == 1


def test_two_patients_under_one_series_uid_stay_apart(tmp_path):
    for patient in ("A", "B"):
        write_series(tmp_path / patient, VOLUME, AFFINE, patient_id=patient, study_uid="1.2.3.4")
    assert len(scan_folder(tmp_path).series) == 2


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="does not exist, expected a folder of DICOM files"):
        scan_folder(tmp_path / "nowhere")


def change(path, **values):
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def test_an_object_of_a_private_class_is_no_image(tmp_path):
    paths = write_series(tmp_path, VOLUME, AFFINE)
    dataset = pydicom.dcmread(paths[0])
    dataset.SOPInstanceUID, dataset.SOPClassUID = "1.2.3", "1.3.46.670589.11.0.0.12.2"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    del dataset.PixelData
    dataset.save_as(tmp_path / "XX_0546")
    scan = scan_folder(tmp_path)
    assert [(path.name, why) for path, why in scan.ignored.items()] == [
        ("XX_0546", "not an image (private SOP class)")
    ]  # fmt: skip
    assert not scan.damaged
    assert len(scan.series[0].files) == 4


@pytest.mark.parametrize(
    ("uid", "reason"),
    [
        ("1.2.840.10008.5.1.4.1.1.66", "not an image (Raw Data Storage)"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "not an image (Grayscale Softcopy Presentation State Storage)"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "not an image (RT Structure Set Storage)"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "not an image (Encapsulated PDF Storage)"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "not an image (Segmentation Storage)"),
    ],
)
def test_the_class_decides_what_is_an_image_not_its_rows(tmp_path, uid, reason):
    write_series(tmp_path, VOLUME, AFFINE)
    change(tmp_path / "0009-0001.dcm", SOPClassUID=uid)
    scan = scan_folder(tmp_path)
    assert list(scan.ignored.values()) == [reason]
    assert not scan.damaged


def test_a_dicomdir_is_left_out_quietly(tmp_path):
    write_series(tmp_path / "images", VOLUME, AFFINE)
    index = FileSet()
    for path in sorted((tmp_path / "images").iterdir()):
        index.add(path)
    index.write(tmp_path / "disc")
    assert "SOPClassUID" not in pydicom.dcmread(tmp_path / "disc" / "DICOMDIR")
    scan = scan_folder(tmp_path / "disc")
    assert list(scan.ignored.values()) == ["a DICOMDIR: an index of other files"]
    assert not scan.damaged
    assert len(scan.series[0].files) == 4


@pytest.mark.parametrize("element", [b"\x08\x00\x60\x00CS", b"\x18\x00\x14\x13DS", b"\x20\x00\x32\x00DS"])
def test_an_unknown_representation_costs_that_file_at_most(tmp_path, element):
    path, *_ = write_series(tmp_path, VOLUME, AFFINE)
    content = path.read_bytes()
    assert content.count(element) == 1
    path.write_bytes(content.replace(element, element[:4] + b"ZZ"))
    scan = scan_folder(tmp_path)
    assert sum(one.facts.instances for one in scan.series) + len(scan.damaged) == 4


def test_a_malformed_value_that_decides_on_voxels_costs_the_file(tmp_path):
    path, *_ = write_series(tmp_path, VOLUME, AFFINE, rescale=(0.5, 0.0))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x28\x00\x53\x10DS\x04\x000.5 ", b"\x28\x00\x53\x10DS\x04\x000.x "))
    with pytest.raises(BadInputError, match="0009-0001.dcm: damaged DICOM: RescaleSlope is malformed"):
        read_series(scan_folder(tmp_path).series[0])


def test_what_pydicom_remarks_is_told_once_with_the_files(tmp_path, recwarn):
    for path in write_series(tmp_path, VOLUME, AFFINE):
        path.write_bytes(path.read_bytes().replace(b"\x20\x00\x11\x00IS\x02\x009 ", b"\x20\x00\x11\x00IS\x02\x009A"))
    scan = scan_folder(tmp_path)
    assert {text: len(paths) for text, paths in scan.remarks.items()} == {"Invalid value for VR IS": 4}
    assert not [one for one in recwarn if "Invalid value" in str(one.message)]
