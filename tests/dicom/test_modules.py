"""A derived image is of the same patient, study and place as its sources."""

from __future__ import annotations

import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.dicom import modules  # noqa: E402


@pytest.fixture
def header():
    header = pydicom.Dataset()
    header.SpecificCharacterSet = "ISO_IR 100"
    header.PatientName = "Müller^Änne"
    header.PatientID = "4711"
    header.StudyInstanceUID = "1.2.3"
    header.ClinicalTrialSubjectID = "S-7"
    header.FrameOfReferenceUID = "1.2.3.4"
    header.ImagePositionPatient = [1.5, 2, 3]
    header.SOPInstanceUID = "1.2.3.9"
    header.SeriesDescription = "t1 mprage"
    header.EchoTime = 3
    header.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", b"1234")
    return header


def test_patient_study_trial_and_place_are_copied_and_nothing_else(header):
    copied = modules.copy_modules(header)
    assert str(copied.PatientName) == "Müller^Änne"
    assert (copied.PatientID, copied.StudyInstanceUID, copied.ClinicalTrialSubjectID) == ("4711", "1.2.3", "S-7")
    assert list(copied.ImagePositionPatient) == [1.5, 2, 3]
    for name in ("SOPInstanceUID", "SeriesDescription", "EchoTime"):
        assert name not in copied
    assert not [element for element in copied if element.tag.is_private]


def test_what_must_stand_there_does_even_if_empty(header):
    copied = modules.copy_modules(header)
    assert all(name in copied for name in modules.REQUIRED_EMPTY)


def test_the_header_is_not_changed(header):
    before = header.to_json()
    modules.copy_modules(header).PatientID = "other"
    assert header.to_json() == before


def test_a_lossy_source_makes_a_lossy_image(header):
    header.LossyImageCompression = "01"
    header.LossyImageCompressionRatio = 10
    copied = modules.common_claims([header])
    assert (copied.LossyImageCompression, float(copied.LossyImageCompressionRatio)) == ("01", 10.0)


@pytest.mark.parametrize(
    ("module", "listed"),
    [
        ("patient", modules.PATIENT),
        ("general-study", modules.STUDY),
        ("patient-study", modules.PATIENT_STUDY),
        ("frame-of-reference", modules.FRAME_OF_REFERENCE),
        ("image-plane", modules.PLANE),
    ],
)
def test_the_lists_are_those_of_the_standard(module, listed):
    tables = pytest.importorskip("highdicom._standard_utils", reason="no highdicom to compare with")
    standard = {row["keyword"] for row in tables.get_module_attribute_map()[module] if not row["path"]}
    assert standard <= set(listed)
