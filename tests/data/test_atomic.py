"""Files are written completely or not at all."""

from __future__ import annotations

import pytest

from scripts.data.atomic import written_whole


def test_a_file_appears_with_its_whole_content(tmp_path):
    path = tmp_path / "new" / "split.json"
    with written_whole(path) as temporary:
        assert not path.exists()
        with open(temporary, "w") as file:
            file.write("whole")
    assert path.read_text() == "whole"
    assert [entry.name for entry in path.parent.iterdir()] == ["split.json"]


def test_a_failure_leaves_the_old_file_and_no_remains(tmp_path):
    path = tmp_path / "split.json"
    path.write_text("old")

    def fail_half_way():
        with written_whole(path) as temporary:
            with open(temporary, "w") as file:
                file.write("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["split.json"]
