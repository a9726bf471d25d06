"""One bad patient does not end the others."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine

from scripts.cohort import patients
from scripts.cohort.patients import CohortReport, PatientStep
from scripts.data import progress
from scripts.data.errors import BadInputError


def step(fail=None):
    def read(record):
        if fail is not None and record["patient"] == "B":
            raise fail
        return dict(record)

    return PatientStep([read], write=lambda case: [case["of"]], inferer=lambda network, data: {"of": data["patient"]})


def run(tmp_path, fail=None):
    engine = Engine(step(fail))
    engine.network = torch.nn.Identity()
    report = CohortReport("Testing", str(tmp_path / "out"))
    report.attach(engine)
    engine.run([[{"patient": name}] for name in "ABC"])
    return report


def test_patients_are_counted(tmp_path):
    report = run(tmp_path)
    assert (report.finished_patients, report.problems) == (["A", "B", "C"], {})


def test_files_are_counted_by_their_kind(tmp_path):
    assert run(tmp_path).made == {"<patient>": 3}


def test_a_log_says_now_and_then_that_a_patient_is_still_processed(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(progress, "STEP", 0.01)
    monkeypatch.setattr(patients, "LONG", 0.0)
    caplog.set_level("INFO")
    told = "Testing: still working on patient 2 of 3."

    def wait(case):
        end = time.monotonic() + 10
        while case["of"] == "B" and told not in caplog.messages and time.monotonic() < end:
            time.sleep(0.01)
        return [case["of"]]

    engine = Engine(PatientStep([dict], write=wait, inferer=lambda network, data: {"of": data["patient"]}))
    engine.network = torch.nn.Identity()
    CohortReport("Testing", str(tmp_path / "out")).attach(engine)
    engine.run([[{"patient": name}] for name in "ABC"])
    assert told in caplog.messages
    said = len(caplog.messages)
    time.sleep(0.05)
    assert len(caplog.messages) == said


def wrapped(error):
    """As MONAI's Compose does it."""
    outer = RuntimeError("applying transform LoadSourcesd")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadInputError("b.nii.gz is empty."), "- B: b.nii.gz is empty."),
        (BadInputError("B: b.nii.gz is empty."), "\n- B: b.nii.gz is empty."),
        (wrapped(BadInputError("b.nii.gz is empty.")), "- B: b.nii.gz is empty."),
        (torch.OutOfMemoryError("CUDA out of memory"), "too little memory. Use a smaller --slices_at_once"),
        (ZeroDivisionError("division by zero"), "unexpected ZeroDivisionError: division by zero"),
    ],
)
def test_the_others_are_finished_and_the_message_at_the_end_names_the_bad_one(tmp_path, error, told):
    with pytest.raises(BadInputError, match="1 of 3 patients could not be processed:\n- B: ") as raised:
        run(tmp_path, error)
    assert told in str(raised.value)


def test_results_name_the_files():
    engine = SimpleNamespace(network=torch.nn.Identity())
    assert step()(engine, [{"patient": "A"}]) == {"patient": "A", "files": ["A"]}


def test_results_are_added_in_turn_and_what_was_written_is_delivered():
    delivered = []
    step = PatientStep(
        preprocessing=[lambda record: [record["patient"]], lambda data: [*data, "read"]],
        inferer=lambda network, data: [*data, "fused"],
        results=[lambda network, case: [*case, "one"], lambda network, case: [*case, "two"]],
        write=lambda case: case,
        delivery=[lambda case, files: delivered.append(files)],
    )
    engine = SimpleNamespace(network=torch.nn.Identity())
    assert step(engine, [{"patient": "A"}])["files"] == ["A", "read", "fused", "one", "two"]
    assert delivered == [["A", "read", "fused", "one", "two"]]


def test_a_folder_that_cannot_be_written_ends_the_run_before_the_first_patient(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInputError, match=r"out is not writable .*--output_dir"):
        run(tmp_path)
