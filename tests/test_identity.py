"""After every command nothing but the derived series themselves says who the patient is."""

from __future__ import annotations

import base64
import gzip
import io
import logging
import os
import re
import shutil
import sys
import zlib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_study  # noqa: E402
from warm_python import run_python  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "bundle"
MARKER = "Qzwxplanck"
"""Stands in every text of the study, in the names of its files and folders."""
UID = "2.25.77777777777777"
"""Begins every UID."""
DATE = "19631224"
SECRETS = [MARKER, "Zyxgundula", UID, "777777777", DATE, "24.12.1963", "1963-12-24", "63-12-24"]
"""What must be found nowhere, in whatever case."""
TEXTS = (
    *("PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "ResponsiblePerson"),
    *("ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy"),
    *("PhysiciansOfRecord", "ConsultingPhysicianName", "RequestingPhysician", "ScheduledPerformingPhysicianName"),
    *("PatientID", "AccessionNumber", "StudyID", "InstitutionName", "InstitutionAddress", "StationName"),
    *("InstitutionalDepartmentName", "DeviceSerialNumber", "PatientAddress", "PatientTelephoneNumbers"),
    *("PatientComments", "AdditionalPatientHistory", "Occupation", "EthnicGroup", "StudyDescription"),
    *("SeriesDescription", "ProtocolName", "ImageComments", "RequestedProcedureDescription", "AdmissionID"),
    *("PerformedProcedureStepDescription", "PerformedProcedureStepID", "RescaleType", "ContrastBolusAgent"),
    *("SequenceName", "SoftwareVersions", "ManufacturerModelName", "ReceiveCoilName", "MedicalAlerts", "Allergies"),
    *("DerivationDescription", "ClinicalTrialSubjectID", "ClinicalTrialSiteName", "FrameComments"),
    *("PositionReferenceIndicator",),
)  # fmt: skip
DATES = ("PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate")
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
QUICK = {"skull_stripping": "false", "register": "never", "device": "cpu"}

pytestmark = [
    pytest.mark.skipif(not (BUNDLE / "models" / "model.pt").is_file(), reason="no weights are shipped with this copy"),
    pytest.mark.usefixtures("process_as_it_was"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Folder of a study whose texts, dates, UIDs and names of files all hold the marker."""
    folder = tmp_path_factory.mktemp("in") / f"{MARKER}_Zyxgundula_24.12.1963"
    volumes = {}
    for source, name in (("t1gd", "t1ce"), ("flair", "flair")):
        image = nib.load(BUNDLE / "example" / "phantom-01" / f"phantom-01_{name}.nii.gz").slicer[80:140, 80:136, 20:24]
        volumes[source] = (np.asarray(image.dataobj, dtype=np.float32), image.affine)
    write_study(folder, volumes)
    uids: dict[str, str] = {}
    for number, file in enumerate(sorted(folder.rglob("*.dcm"))):
        image = pydicom.dcmread(file)
        description = image.SeriesDescription
        for keyword in TEXTS:
            setattr(image, keyword, MARKER)
        image.SeriesDescription = f"{description} {MARKER}"
        image.PatientName = f"{MARKER}^Zyxgundula"
        image.RescaleSlope, image.RescaleIntercept = 0.5, 3.0
        for keyword in DATES:
            setattr(image, keyword, DATE)
        for keyword in UIDS:
            setattr(image, keyword, uids.setdefault(image[keyword].value, f"{UID}{len(uids):04d}"))
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.private_block(0x0029, "SECRETS", create=True).add_new(0x10, "LO", MARKER)
        image.save_as(file)
        file.rename(file.with_name(f"Zyxgundula{MARKER}{number:03d}_1963-12-24.dcm"))
    for source in list(folder.iterdir()):
        source.rename(source.with_name(f"{MARKER} {source.name}"))
    return folder


def run(configs, log, **settings) -> str:
    """Do in this process what the command does; return everything that it said."""
    files = [str(BUNDLE / "configs" / f"{config}.json") for config in configs]
    handler = logging.FileHandler(log)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            try:
                workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
                workflow.initialize()
                workflow.run()
            except Exception:
                sys.excepthook(*sys.exc_info())
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.INFO)
    return log.read_text() + printed.getvalue()


def found_in(text: bytes | str) -> set[str]:
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return {secret for secret in SECRETS if secret.casefold() in text.casefold()}


def found_below(folder: Path) -> dict[str, set[str]]:
    """What of the identity files hold, unpacked, and their names; of DICOM files the private elements."""
    found = {}
    for path in sorted(folder.rglob("*")):
        texts = [str(path.relative_to(folder)).encode()]
        if path.is_file():
            texts += contents(path)
        secrets = set().union(*map(found_in, texts))
        if secrets:
            found[str(path.relative_to(folder))] = secrets
    return found


def contents(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".dcm":
        image = pydicom.dcmread(path, stop_before_pixels=True)
        return [str(element.value).encode() for element in image if element.tag.is_private]
    texts = [data]
    if data[:2] == b"\x1f\x8b":
        texts.append(gzip.decompress(data))
    if path.suffix == ".png":
        texts += [str(value).encode() for value in Image.open(path).info.values()]
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL) if path.suffix == ".pdf" else ():
        texts.append(zlib.decompressobj().decompress(packed))
    for packed in re.findall(rb"[A-Za-z0-9+/]{200,}={0,2}", data) if path.suffix == ".html" else ():
        inner = base64.b64decode(packed + b"=" * (-len(packed) % 4))
        texts += [inner, zlib.decompressobj(31).decompress(inner) if inner[:2] == b"\x1f\x8b" else b""]
    return texts


@pytest.fixture(scope="module")
def command(tmp_path_factory, study):
    """What the command that fuses a study printed, and its results."""
    folder = tmp_path_factory.mktemp("out")
    configs = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "study")]
    settings = {**QUICK, "dataset_dir": study, "output_dir": folder, "nifti": "true", "report": "true"}
    options = [part for key, value in settings.items() for part in (f"--{key}", str(value))]
    temporary = tmp_path_factory.mktemp("tmp")
    line = ["-m", "monai.bundle", "run", "--config_file", configs, *options]
    done = run_python(*line, env={**os.environ, "TMPDIR": str(temporary)}, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, folder, temporary


def test_the_marker_is_where_it_was_planted(study):
    for file in study.rglob("*.dcm"):
        assert found_in(file.read_bytes()) >= {MARKER, "Zyxgundula", UID, DATE}
        assert found_in(str(file.relative_to(study.parent))) >= {MARKER, "Zyxgundula", "1963-12-24"}


def test_fusing_a_study_says_it_nowhere(command):
    said, folder, temporary = command
    assert "t1gd is series 9" in said and "1 patient(s) done" in said
    assert found_in(said) == set()
    assert len([file for file in folder.rglob("*") if file.suffix in (".json", ".png", ".html", ".gz")]) >= 6
    assert found_below(folder) == {}
    assert found_below(temporary) == {}


def test_the_derived_series_are_the_patient_s(command):
    image = pydicom.dcmread(next(command[1].rglob("fused/*.dcm")))
    assert str(image.PatientName) == f"{MARKER}^Zyxgundula"
    assert image.StudyInstanceUID.startswith(UID)


def test_decomposing_says_it_nowhere(command, tmp_path):
    archive = tmp_path / f"{MARKER}_archive"
    shutil.copytree(next(command[1].rglob("fused")), archive / f"{MARKER} fused")
    settings = {"dataset_dir": str(archive), "output_dir": str(tmp_path / "out"), "nifti": "true", "device": "cpu"}
    assert found_in(run(["decompose", "decompose_series"], tmp_path / "log", **settings)) == set()
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 8
    assert found_below(tmp_path / "out") == {}


def test_a_report_of_results_says_it_nowhere(command, tmp_path):
    said = run(["report"], tmp_path / "log", dataset_dir=str(command[1]), output_dir=str(tmp_path / "out"))
    assert found_in(said) == set()
    assert found_below(tmp_path / "out") == {}


def damage(folder: Path) -> None:
    file = sorted(folder.rglob("*.dcm"))[-1]
    file.write_bytes(file.read_bytes()[:-500])


def cut_header(folder: Path) -> None:
    file = sorted(folder.rglob("*.dcm"))[-1]
    file.write_bytes(file.read_bytes()[:700])


def remove_a_source(folder: Path) -> None:
    shutil.rmtree(next(folder.glob("*flair")))


def double_a_series(folder: Path) -> None:
    copied = shutil.copytree(next(folder.glob("*flair")), folder / f"{MARKER} again")
    for number, file in enumerate(copied.iterdir()):
        image = pydicom.dcmread(file)
        image.SeriesInstanceUID, image.SOPInstanceUID = f"{UID}5", f"{UID}6{number}"
        image.save_as(file)


def leave_nothing(folder: Path) -> None:
    for file in folder.rglob("*.dcm"):
        file.write_text(MARKER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage, "truncated"),
        (cut_header, "damaged"),
        (remove_a_source, "no series was recognised as FLAIR"),
        (double_a_series, "2 series may be FLAIR"),
        (leave_nothing, "no DICOM series in"),
    ],
)
def test_what_goes_wrong_says_it_nowhere(study, tmp_path, change, message):
    folder, out = shutil.copytree(study, tmp_path / study.name), tmp_path / "out"
    change(folder)
    settings = {**QUICK, "dataset_dir": str(folder), "output_dir": str(out), "overview": "false", "report": "false"}
    said = run(["inference", "study"], tmp_path / "log", **settings)
    assert message in said and "Traceback" not in said
    assert found_in(said) == set()
    assert found_below(out) == {}
