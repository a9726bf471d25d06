from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.writing import result_file


class TestResultFile:
    def test_file_appears_whole_in_a_folder_that_is_made_for_it(self, tmp_path):
        target = tmp_path / "new" / "result.txt"
        with result_file(target, suffix=".txt") as temporary:
            assert temporary.endswith(".txt")
            assert not target.exists()
            with open(temporary, "w") as file:
                file.write("whole")
        assert target.read_text() == "whole"

    def test_interrupted_writing_keeps_the_old_file_and_leaves_nothing_else(self, tmp_path):
        target = tmp_path / "result.txt"
        target.write_text("old")
        with pytest.raises(KeyboardInterrupt), result_file(target) as temporary:
            with open(temporary, "w") as file:
                file.write("hal")
            raise KeyboardInterrupt
        assert target.read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]

    def test_folder_that_cannot_be_made_names_the_file_and_the_remedy(self, tmp_path):
        (tmp_path / "out").write_text("a file where the folder should be")
        target = tmp_path / "out" / "P1" / "P1_fused.nii.gz"
        with pytest.raises(BadInputError, match=r"P1_fused\.nii\.gz cannot be written.*output_dir"):
            with result_file(target):
                pass

    def test_full_disk_names_the_file_and_the_remedy(self, tmp_path):
        with pytest.raises(BadInputError, match="No space left.*space left"):
            with result_file(tmp_path / "result.txt"):
                raise OSError(28, "No space left on device")
        assert list(tmp_path.iterdir()) == []
