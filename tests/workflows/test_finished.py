"""A run that was killed goes on with the patients that are left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.workflows.finished import NOTES, FinishedFiles, ResumedStep


@pytest.fixture
def records(tmp_path) -> list[dict[str, str]]:
    for name in "AB":
        (tmp_path / f"{name}.nii").write_bytes(name.encode())
    return [{"patient": name, "t1gd": str(tmp_path / f"{name}.nii")} for name in "AB"]


@pytest.fixture
def process(tmp_path, records) -> Callable[..., list[str]]:
    """Return a function that processes the patients and tells which it did not take over."""

    def write(data, results):
        path = tmp_path / "out" / f"{data['patient']}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("result")
        return [str(path)]

    def run(resume: bool = True, finish: bool = False, **settings) -> list[str]:
        done = []
        finished = FinishedFiles(write, str(tmp_path / "out"), "testing", {"range": (0, 1), **settings}, resume)

        def step(engine, batch):
            done.append(batch[0]["patient"])
            return {"patient": done[-1], "files": finished(batch[0], {})}

        for record in records:
            outcome = ResumedStep(step, finished)(None, [record])
            assert [Path(file).name for file in outcome["files"]] == [f"{record['patient']}.txt"]
        if finish:
            finished.forget()
        return done

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


def test_the_notes_go_when_all_is_done(process, tmp_path):
    process(finish=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["A.txt", "B.txt"]
