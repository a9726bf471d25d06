"""A set of results appears at once or not at all."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.data import held
from scripts.data.errors import BadInputError
from scripts.data.owner import this_process
from scripts.outputs.staged import recover, staged


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@contextmanager
def small_disk() -> Iterator[None]:
    """Limit files to one kilobyte, which looks like a full disk to writers."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_files_and_folders_arrive_together_and_others_stay(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    with staged(tmp_path) as stage:
        (stage / "series").mkdir()
        (stage / "series" / "1.dcm").write_text("one")
        (stage / "note.json").write_text("{}")
        assert names(tmp_path) != ["kept.txt"]
        assert not (tmp_path / "note.json").exists()
    assert names(tmp_path) == ["kept.txt", "note.json", "series", "series/1.dcm"]


def test_a_folder_of_an_earlier_run_is_replaced_whole(tmp_path):
    for content in (["1.dcm", "2.dcm"], ["1.dcm"]):
        with staged(tmp_path) as stage:
            (stage / "series").mkdir()
            for name in content:
                (stage / "series" / name).write_text(str(len(content)))
    assert names(tmp_path) == ["series", "series/1.dcm"]
    assert (tmp_path / "series" / "1.dcm").read_text() == "1"


def test_an_error_leaves_what_was_there(tmp_path):
    (tmp_path / "note.json").write_text("old")
    with pytest.raises(KeyError), staged(tmp_path) as stage:
        (stage / "note.json").write_text("new")
        raise KeyError("no")
    assert names(tmp_path) == ["note.json"]
    assert (tmp_path / "note.json").read_text() == "old"


def test_an_error_leaves_no_empty_folder(tmp_path):
    with pytest.raises(BadInputError, match="wrong"), staged(tmp_path / "study") as stage:
        (stage / "fused").mkdir()
        raise BadInputError("wrong")
    assert names(tmp_path) == []


def test_an_empty_folder_that_was_there_stays(tmp_path):
    (tmp_path / "study").mkdir()
    with pytest.raises(BadInputError, match="wrong"), staged(tmp_path / "study"):
        raise BadInputError("wrong")
    assert names(tmp_path) == ["study"]


def test_a_full_disk_leaves_nothing(tmp_path):
    full = pytest.raises(BadInputError, match="nothing was written to .*--output_dir")
    with full, small_disk(), staged(tmp_path / "out") as stage:
        (stage / "small").write_text("fits")
        (stage / "large").write_bytes(bytes(4096))
    assert names(tmp_path) == []


def test_a_file_where_the_folder_should_be_is_reported(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInputError, match="out"), staged(tmp_path / "out"):
        pass


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    (tmp_path / ".staged-killed" / "series").mkdir(parents=True)
    with staged(tmp_path) as stage:
        (stage / "note.json").write_text("{}")
    assert names(tmp_path) == ["note.json"]


def test_old_temporary_files_of_version_0_4_0_are_swept_away(tmp_path):
    old = tmp_path / ".note.json.a1b2c3_4"
    young, foreign = tmp_path / ".note.json.e5f6g7_8.json", tmp_path / ".other.json.a1b2c3_4"
    for path in (old, young, foreign):
        path.write_text("half")
    for path in (old, foreign):
        os.utime(path, (time.time() - 90_000,) * 2)
    with staged(tmp_path) as stage:
        (stage / "note.json").write_text("{}")
    assert names(tmp_path) == [young.name, foreign.name, "note.json"]


def leave_stage(folder: Path, plan: bool, age: float = 0, **owner: object) -> Path:
    """Leave a stage as a process does that died or is still working."""
    stage = folder / ".staged-left"
    (stage / "new").mkdir(parents=True)
    (stage / "new" / "note.json").write_text("new")
    if owner:
        (stage / "lock").write_text(json.dumps({**this_process(), **owner}))
    if plan:
        (stage / "plan.json").write_text('{"new": ["note.json"], "outdated": []}')
    for path in (stage / "plan.json", stage / "new", stage):
        if path.exists():
            os.utime(path, (time.time() - age,) * 2)
    return stage


DEAD = {"started": "1"}
ELSEWHERE = {"host": "another"}


class TestWhereLocksAreUnknown:
    """Network drives without locks, and those with locks on one machine only."""

    @pytest.fixture(autouse=True)
    def no_locks(self, monkeypatch):
        monkeypatch.setattr(held, "fcntl", None)

    @pytest.mark.parametrize(
        ("owner", "age"), [({"job": None}, 1e6), (ELSEWHERE, 6 * 86400), ({}, 0)], ids=["alive", "elsewhere", "unknown"]
    )
    def test_a_stage_that_may_be_written_to_stays(self, tmp_path, owner, age):
        stage = leave_stage(tmp_path, plan=False, age=age, **owner)
        recover(tmp_path)
        assert (stage / "new" / "note.json").exists()

    @pytest.mark.parametrize(("owner", "age"), [(DEAD, 0), (ELSEWHERE, 8 * 86400), ({}, 8 * 86400)])
    def test_a_stage_of_a_dead_process_goes(self, tmp_path, owner, age):
        leave_stage(tmp_path, plan=False, age=age, **owner)
        recover(tmp_path)
        assert names(tmp_path) == []

    @pytest.mark.parametrize(("owner", "age"), [(DEAD, 0), (ELSEWHERE, 700)])
    def test_the_exchange_of_a_dead_process_is_completed(self, tmp_path, owner, age):
        leave_stage(tmp_path, plan=True, age=age, **owner)
        recover(tmp_path)
        assert names(tmp_path) == ["note.json"]

    @pytest.mark.parametrize("owner", [{"job": None}, ELSEWHERE])
    def test_the_exchange_of_another_process_is_waited_for(self, tmp_path, owner, monkeypatch):
        monkeypatch.setattr("scripts.outputs.staged._PATIENCE", 0.1)
        stage = leave_stage(tmp_path, plan=True, **owner)
        with pytest.raises(BadInputError, match=f"process {os.getpid()} on .* is moving new results to"):
            recover(tmp_path)
        assert (stage / "new" / "note.json").exists()

    def test_results_are_written_all_the_same(self, tmp_path):
        with staged(tmp_path) as stage:
            (stage / "note.json").write_text("{}")
        assert names(tmp_path) == ["note.json"]


def test_a_lock_proves_nothing_about_a_process_of_another_machine(tmp_path):
    stage = leave_stage(tmp_path, plan=False, host="another")
    recover(tmp_path)
    assert stage.exists()
    leave_stage(tmp_path / "below", plan=False, host="another", age=8 * 86400)
    recover(tmp_path / "below")
    assert names(tmp_path / "below") == []
