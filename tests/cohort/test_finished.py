"""A run that was killed goes on with the patients that are left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.cohort.finished import NOTES, FinishedPatients
from scripts.cohort.patients import PatientStep


@pytest.fixture
def records(tmp_path) -> list[dict[str, str]]:
    for name in "AB":
        (tmp_path / f"{name}.nii").write_bytes(name.encode())
    return [{"patient": name, "t1gd": str(tmp_path / f"{name}.nii")} for name in "AB"]


class Write:
    """Writes a file of a patient, and notes of whom."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings_of_the_writer = settings
        self._folder = folder
        self._done: list[str] = []

    def __call__(self, case):
        self._done.append(case["patient"])
        path = self._folder / f"{case['patient']}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("result")
        return [str(path)]


@pytest.fixture
def process(tmp_path, records) -> Callable[..., list[str]]:
    """Return a function that processes the patients and tells which it did not take over."""

    def run(resume: bool = True, patients: str = "AB", **settings) -> list[str]:
        finished = FinishedPatients(str(tmp_path / "out"), "testing", resume)
        write = Write(tmp_path / "out", **settings)
        step = PatientStep([], write=write, finished=finished)
        for record in records:
            if record["patient"] in patients:
                outcome = step(SimpleNamespace(network=None), [record])
                assert [Path(file).name for file in outcome["files"]] == [f"{record['patient']}.txt"]
                assert outcome.get("kept", False) == (record["patient"] not in write._done)
        run.others = finished.others()
        return write._done

    return run


def test_finished_patients_are_left_alone(process):
    assert process() == ["A", "B"]
    assert process() == []


def test_without_being_asked_nothing_is_taken_over(process):
    process()
    assert process(resume=False) == ["A", "B"]


def test_other_settings_are_processed_again(process):
    process()
    assert process(seed=1) == ["A", "B"]


@pytest.mark.parametrize("name", ["B.nii", "out/B.txt"])
def test_what_was_changed_is_processed_again(process, tmp_path, name):
    process()
    (tmp_path / name).write_text("something else")
    assert process() == ["B"]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"files": {}}'])
def test_a_missing_or_half_written_note_is_no_note(process, tmp_path, content):
    process()
    note = tmp_path / "out" / NOTES / "testing" / "A.json"
    note.unlink() if content is None else note.write_text(content)
    assert process() == ["A"]


def test_a_result_that_is_gone_is_made_again(process, tmp_path):
    process()
    os.remove(tmp_path / "out" / "A.txt")
    assert process() == ["A"]


def test_what_was_changed_is_named(process, caplog):
    process(seed=0, bits=8)
    with caplog.at_level("INFO"):
        assert process(seed=0, bits=16) == ["A", "B"]
    assert caplog.messages == ["A was made with other settings (write.settings_of_the_writer.bits); it is made again."]


def test_results_of_other_settings_in_the_folder_are_noticed(process, tmp_path):
    process(seed=0)
    process(seed=1, patients="B")
    assert process.others == ["A"]
    (tmp_path / "out" / "A.txt").unlink()
    process(seed=1, patients="B")
    assert process.others == []


def test_notes_are_hidden_and_small_and_hold_no_path(process, tmp_path):
    process()
    notes = [path for path in (tmp_path / "out" / NOTES).rglob("*") if path.is_file()]
    assert len(notes) == 3
    assert all(path.stat().st_size < 1000 and str(tmp_path) not in path.read_text() for path in notes)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [NOTES, "A.txt", "B.txt"]
