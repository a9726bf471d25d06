"""The command: a study from the PACS, fused, back into the PACS, and decomposed from there."""

from __future__ import annotations

import io
import json
import logging
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause
from warm_python import run_python

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")
pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")

from pydicom import dcmread
from pydicom.uid import generate_uid

from phantom_studies.example import middle_of_sources
from phantom_studies.study import write_study
from segmentations import write_segmentation

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
SIZE = (80, 72, 6)
QUICK = {"skull_stripping": "false", "register": "never", "report": "false", "overview": "false", "device": "cpu"}
PASSWORD = "correct horse"

pytestmark = [
    pytest.mark.skipif(not (BUNDLE / "models" / "model.pt").is_file(), reason="no weights are shipped with this copy"),
    pytest.mark.usefixtures("process_as_it_was"),
]


@pytest.fixture(autouse=True)
def _plain_process(monkeypatch):
    """Keep this process's own way of telling errors; give the password where the command looks for it."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    monkeypatch.setenv("FUSIONINN_PACS_PASSWORD", PASSWORD)


def run(*configs, **settings):
    """Do in this process what the command does; return everything that was said."""
    files = [str(BUNDLE / "configs" / f"{config}.json") for config in (*configs, "pacs")]
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    try:
        with redirect_stdout(said), redirect_stderr(said):
            workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
            workflow.initialize()
            workflow.run()
    finally:
        logging.getLogger().removeHandler(handler)
    return said.getvalue()


def problem(*configs, **settings):
    """Return the message that the command ends with."""
    with pytest.raises(Exception) as raised:
        run(*configs, **settings)
    return str(plain_cause(raised.value))


def volume(folder):
    """Slices of a series in the order of their places."""
    slices = sorted(map(dcmread, folder.glob("*.dcm")), key=lambda one: float(one.ImagePositionPatient[2]))
    return np.stack(
        [s.pixel_array * float(s.get("RescaleSlope", 1)) + float(s.get("RescaleIntercept", 0)) for s in slices]
    )


@pytest.fixture
def brain(orthanc, tmp_path):
    """UID and files of a study of the embedded example, which is in the PACS."""
    volumes = middle_of_sources(SIZE)
    uid = generate_uid()
    write_study(tmp_path / "sent", volumes, patient_id=f"Secret-{uid[-9:]}", patient_name="Doe^Secret", study_uid=uid)
    orthanc.connect("dicomweb").send(tmp_path / "sent", new_study=True)
    return uid, tmp_path / "sent"


def test_a_study_comes_from_the_pacs_and_its_fusion_goes_back_and_can_be_decomposed_from_there(
    orthanc, brain, tmp_path
):
    uid, sent = brain
    web = {"pacs_url": orthanc.url, "pacs_user": "reader", "pacs_wait": 0, "temporary_dir": str(tmp_path / "passing")}
    (tmp_path / "query.json").write_text(json.dumps({"patient_id": f"Secret-{uid[-9:]}"}))
    said = run(
        "inference", "study", **web, **QUICK, query_file=str(tmp_path / "query.json"), output_dir=str(tmp_path / "out")
    )
    assert "3 derived series (18 instances) sent to" in said
    assert "Secret" not in said and PASSWORD not in said and "Doe" not in said

    (found,) = orthanc.connect("dicomweb").find_studies(study_uid=uid)
    assert (found.series, found.instances) == (6, 15 + 18)

    dimse = {"pacs_url": f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom}", "study_uid": uid, "send_back": "false"}
    said = run(
        "decompose", "decompose_series", **dimse, output_dir=str(tmp_path / "back"), overview="false", device="cpu"
    )
    assert "sent to" not in said
    for source, number in (("t1gd", "09"), ("flair", "06")):
        (estimate,) = (tmp_path / "back").rglob(f"{source}_estimated")
        before, after = volume(sent / f"{number}_{source}"), volume(estimate)
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.95

    texts = [path.read_text(errors="replace") for path in tmp_path.rglob("*_fused.json")]
    assert texts and not any("Secret" in text or PASSWORD in text for text in texts)


def test_maps_go_back_and_a_segmentation_of_the_archive_is_outlined(orthanc, brain, tmp_path):
    uid, sent = brain
    series = sorted((sent / "06_flair").iterdir())
    write_segmentation(tmp_path / "seg" / "0001.dcm", series, {"Edema": np.indices(SIZE)[0] > 50})
    orthanc.connect("dicomweb").send(tmp_path / "seg")
    web = {"pacs_url": orthanc.url, "pacs_user": "reader", "pacs_wait": 0, "study_uid": uid}
    settings = {**QUICK, "report": "true", "uncertainty": "true", "contribution": "true"}
    said = run("inference", "study", **web, **settings, output_dir=str(tmp_path / "out"))
    assert "7 derived series (42 instances) sent to" in said
    (record,) = (tmp_path / "out").rglob("*_fused.json")
    (told,) = json.loads(record.read_text())["Segmentation"]["Segments"].values()
    assert (told["Name"], told["Voxels"]) == ("Edema", (SIZE[0] - 51) * SIZE[1] * SIZE[2])
    (found,) = orthanc.connect("dicomweb").find_studies(study_uid=uid)
    assert (found.series, found.instances) == (3 + 1 + 7, 15 + 1 + 42)


def test_results_that_could_not_be_sent_are_sent_alone(orthanc, brain, cut, tmp_path):
    uid, _ = brain
    output = {"output_dir": str(tmp_path / "out")}
    user = {"pacs_user": "reader", "pacs_wait": 0, "pacs_attempts": 1, "study_uid": uid, **output}
    dying = f"http://127.0.0.1:{cut(orthanc.http, 1 << 30, upwards=20000)}/dicom-web"
    told = problem("inference", "study", **QUICK, **user, pacs_url=dying)
    assert "written, but not sent" in told and "'sending'" in told
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 18

    run("inference", "study", **user, pacs_url=orthanc.url, run_id="sending")
    (found,) = orthanc.connect("dicomweb").find_studies(study_uid=uid)
    assert (found.series, found.instances) == (6, 15 + 18)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Give --pacs_url"),
        ({"pacs_url": "http://127.0.0.1:9/dicom-web", "study_uid": "1.2.3"}, "cannot be reached"),
        ({"pacs_url": "http://127.0.0.1:9/dicom-web"}, "No study is named"),
        ({"pacs_url": "http://a:b@127.0.0.1:9/", "study_uid": "1.2.3"}, "which logs would show"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_written(settings, message, tmp_path):
    told = problem("inference", "study", **QUICK, **settings, pacs_attempts=1, output_dir=str(tmp_path / "out"))
    assert message in told
    assert not (tmp_path / "out").exists()


def test_a_password_inside_the_url_is_printed_nowhere(tmp_path):
    configs = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "study", "pacs")]
    done = run_python(
        *("-m", "monai.bundle", "run", "--config_file", configs, "--study_uid", "1.2.3", "--device", "cpu"),
        *("--pacs_url", "http://reader:hunter2@127.0.0.1:9/", "--output_dir", tmp_path / "out"),
        env={name: value for name, value in os.environ.items() if name != "FUSIONINN_TRACEBACK"},
    )
    assert done.returncode == 1
    assert "--pacs_url contains a user or a password" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
