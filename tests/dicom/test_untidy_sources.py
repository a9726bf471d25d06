"""Derived series of untidy sources have no fault that their sources do not have."""

from __future__ import annotations

import logging
import shutil
import subprocess
import warnings
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.dataelem import RawDataElement  # noqa: E402
from pydicom.tag import Tag  # noqa: E402

from phantom_studies.study import write_study  # noqa: E402
from scripts.dicom.derived import write_derived  # noqa: E402
from scripts.dicom.modules import inherited_faults  # noqa: E402

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"

pytestmark = pytest.mark.filterwarnings("ignore:.*nvalid value.*", "ignore:.*value length.*", "ignore:.*haracter set.*")

UNTIDY = {
    "sex": {"PatientSex": "0000"},
    "no frame of reference": {"FrameOfReferenceUID": None},
    "empty frame of reference": {"FrameOfReferenceUID": ""},
    "no body part": {"BodyPartExamined": None},
    "laterality alone": {"BodyPartExamined": None, "Laterality": "L"},
    "no patient position": {"PatientPosition": None},
    "dates": {"StudyDate": "2024-01-02", "PatientBirthDate": "unknown", "StudyTime": "99:99"},
    "UID": {"FrameOfReferenceUID": "1.2.03.x"},
    "too long": {"PatientID": "x" * 100, "AccessionNumber": "z" * 30, "PatientName": f"{'N' * 80}^M"},
    "long equipment": {"Manufacturer": "M" * 90, "SoftwareVersions": "v" * 80},
    "number": {"PatientWeight": "heavy", "EchoTime": "2.980000000000000000001"},
    "no thickness": {"SliceThickness": None},
    "sequence": {"ScanningSequence": "XX", "SequenceVariant": ""},
    "empty sequences": {"ReferencedStudySequence": [], "ProcedureCodeSequence": [pydicom.Dataset()]},
    "equipment without name": {"ContributingEquipmentSequence": [pydicom.Dataset()]},
    "trial": {"ClinicalTrialSponsorName": "", "ClinicalTrialProtocolID": ""},
    "characters": {"SpecificCharacterSet": "ISO_IR 999", "PatientName": b"M\xfcller^\xc4nne"},
    "no character set": {"SpecificCharacterSet": None, "PatientName": b"M\xfcller^\xc4nne"},
}
SILENT = (
    *("laterality alone", "long equipment", "number", "no thickness", "sequence", "empty sequences"),
    "equipment without name",
)
"""What is mended, or does not reach the derived series."""


def spoil(folder: Path, values: dict) -> None:
    """Write values as they are, which pydicom would refuse to set."""
    for file in folder.rglob("*.dcm"):
        image = pydicom.dcmread(file)
        for keyword, value in values.items():
            tag = Tag(keyword)
            if value is None:
                del image[tag]
            elif isinstance(value, list):
                setattr(image, keyword, value)
            else:
                data = value if isinstance(value, bytes) else value.encode()
                data += b" " * (len(data) % 2)
                vr = pydicom.datadict.dictionary_VR(tag)
                image._dict[tag] = RawDataElement(tag, vr, len(data), data, 0, False, True)
        # Otherwise texts would be written anew where the character set is another.
        image.set_original_encoding(*image.original_encoding, image._character_set)
        image.save_as(file)


def errors(file: Path) -> set[str]:
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy: install dicom3tools")
    told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, errors="replace").stderr
    assert "MRImage" in told.splitlines(), told
    return {line for line in told.splitlines() if "Error" in line}


@pytest.fixture(scope="module")
def few_slices(phantom_volumes):
    return {source: (volume[:, :, 3:6], affine) for source, (volume, affine) in phantom_volumes.items()}


CASES = [(what, False) for what in UNTIDY] + [(what, True) for what in ("sex", "no frame of reference", "too long")]


@pytest.mark.parametrize(("what", "enhanced"), CASES, ids=[f"{what}{', enhanced' * many}" for what, many in CASES])
def test_no_error_is_new(tmp_path, few_slices, read_sources, fuse_study, what, enhanced):
    write_study(tmp_path / "in", few_slices, localizer=False, enhanced=enhanced)
    spoil(tmp_path / "in", UNTIDY[what])
    sources = read_sources(tmp_path / "in")
    study = fuse_study(tmp_path / "out", sources)
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in study.files]
    fused = replace(sources["t1gd"], headers=headers)
    estimates = write_derived(
        tmp_path / "flair_estimated", kind="estimate", source="flair", volume=np.asarray(sources["flair"].volume),
        reference=fused, sources={"fused": fused}, sidecar=study.sidecar,
    )  # fmt: skip
    before = set() if enhanced else errors(next((tmp_path / "in" / "09_t1gd").iterdir()))
    after = errors(study.files[0]) | errors(estimates[-1])
    faults = inherited_faults(sources["t1gd"].headers[0])
    assert enhanced or after <= before
    assert bool(after) == bool(faults) == (what not in SILENT), (after, faults)


@pytest.mark.parametrize("characters", ["ISO_IR 192", "ISO_IR 100", "ISO_IR 13", "ISO_IR 999", None])
@pytest.mark.parametrize("enhanced", [False, True])
def test_texts_of_the_patient_keep_their_bytes_whatever_their_character_set(
    tmp_path, few_slices, read_sources, fuse_study, characters, enhanced
):
    texts = {"PatientName": b"M\xfcller^\xc4nne", "PatientID": b"\xe9\x81-4711 ", "AccessionNumber": b"A\x1b$B@1"}
    write_study(tmp_path / "in", few_slices, localizer=False, enhanced=enhanced)
    spoil(tmp_path / "in", {"SpecificCharacterSet": characters, **texts})
    for file in fuse_study(tmp_path / "out", read_sources(tmp_path / "in")).files:
        image = pydicom.dcmread(file)
        assert {keyword: image.get_item(keyword).value for keyword in texts} == {
            keyword: text + b" " * (len(text) % 2) for keyword, text in texts.items()
        }
        assert image.get("SpecificCharacterSet") == characters


@pytest.mark.parametrize(
    ("said", "expected"),
    [(("NO", "NO"), "NO"), (("NO", None), None), ((None, None), None), (("YES", None), "YES"), (("NO", "YES"), "YES")],
)
def test_nothing_is_claimed_of_burned_in_text_that_a_source_does_not_say(
    tmp_path, few_slices, read_sources, fuse_study, said, expected
):
    write_study(tmp_path / "in", few_slices, localizer=False)
    for folder, value in zip(("09_t1gd", "06_flair"), said, strict=True):
        spoil(tmp_path / "in" / folder, {"BurnedInAnnotation": value})
    image = pydicom.dcmread(fuse_study(tmp_path / "out", read_sources(tmp_path / "in")).files[0])
    assert image.get("BurnedInAnnotation") == expected


def test_an_image_of_a_lossy_source_is_lossy_whichever_source_it_is(tmp_path, few_slices, read_sources, fuse_study):
    write_study(tmp_path / "in", few_slices, localizer=False)
    spoil(tmp_path / "in" / "06_flair", {"LossyImageCompression": "01", "LossyImageCompressionRatio": "12.5"})
    image = pydicom.dcmread(fuse_study(tmp_path / "out", read_sources(tmp_path / "in")).files[0])
    assert (image.LossyImageCompression, image.LossyImageCompressionRatio) == ("01", 12.5)


def test_frames_of_one_enhanced_instance_that_holds_both_sources_are_all_named(
    tmp_path, few_slices, read_sources, fuse_study
):
    write_study(tmp_path / "in", few_slices, localizer=False, enhanced=True)
    sources = read_sources(tmp_path / "in")
    first = sources["t1gd"].headers
    headers = [deepcopy(header) for header in first]
    for header in headers:
        header.InstanceNumber = int(header.InstanceNumber) + len(headers)
    both = {**sources, "flair": replace(sources["flair"], headers=headers)}
    (item,) = pydicom.dcmread(fuse_study(tmp_path / "out", both).files[1]).SourceImageSequence
    assert item.ReferencedFrameNumber == [first[1].InstanceNumber, first[1].InstanceNumber + len(headers)]


@pytest.mark.usefixtures("process_as_it_was")
def test_the_command_names_each_inherited_fault_once(tmp_path, few_slices, caplog, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    write_study(tmp_path / "in", few_slices)
    misread = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": b"M\xfcller^\xc4nne "}
    for values in (UNTIDY["sex"], UNTIDY["no frame of reference"], UNTIDY["too long"], misread):
        spoil(tmp_path / "in", values)
    settings = {
        "skull_stripping": "false",
        "register": "never",
        "report": "false",
        "overview": "false",
        "device": "cpu",
    }
    configs = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "study")]
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        workflow = ConfigWorkflow(
            configs, workflow_type="infer", logging_file=False, dataset_dir=str(tmp_path / "in"),
            output_dir=str(tmp_path / "out"), **settings,
        )  # fmt: skip
        workflow.initialize()
        workflow.run()
    before = errors(next((tmp_path / "in" / "09_t1gd").iterdir()))
    for file in (tmp_path / "out").rglob("0001.dcm"):
        assert errors(file) <= before
        assert pydicom.dcmread(file).get_item("PatientName").value == misread["PatientName"]
    for fault in ("Patient's Sex is not M, F or O", "Frame of Reference UID is missing", "Patient ID is not a valid"):
        assert caplog.text.count(fault) == 1
    assert "xxxx" not in caplog.text
