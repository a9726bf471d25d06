"""Results that belong together appear all at once, or not at all."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.staged import staged


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@contextmanager
def small_disk() -> Iterator[None]:
    """Let no file grow beyond a kilobyte, which writers see as they see a full disk."""
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


def test_a_file_where_the_folder_should_be_is_told(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInputError, match="out"), staged(tmp_path / "out"):
        pass


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    (tmp_path / ".staged-killed" / "series").mkdir(parents=True)
    with staged(tmp_path) as stage:
        (stage / "note.json").write_text("{}")
    assert names(tmp_path) == ["note.json"]
