"""Which pictures belong together."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.data.picture_pairs import find_picture_pairs, source_labels


@pytest.fixture
def folders(tmp_path):
    """MRI with 1, 2 and 10; PET with 1, 10 and 11."""
    for folder, names in {"MRI": ("1", "2", "10"), "PET": ("1", "10", "11")}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / folder / f"{name}.png")
    return [str(tmp_path / "MRI"), str(tmp_path / "PET")]


def test_pictures_of_one_name_are_a_pair_and_missing_partners_are_told(folders):
    records = {record["patient"]: record for record in find_picture_pairs(folders)}
    assert sorted(records) == ["1", "10", "11", "2"]
    assert records["10"]["files"] == [f"{folder}/10.png" for folder in folders]
    assert records["2"]["problem"].startswith(f"there is no 2.png in {folders[1]}")
    assert records["11"]["problem"].startswith(f"there is no 11.png in {folders[0]}")


def test_files_are_a_pair_whatever_their_names(folders):
    files = [f"{folders[0]}/2.png", f"{folders[1]}/11.png"]
    assert find_picture_pairs(files) == [{"patient": "2", "files": files}]


def test_other_files_hidden_ones_and_results_are_no_sources(folders, tmp_path):
    for name in ("._1.png", "notes.txt", "1_fused.png", "1.jpg"):
        (tmp_path / "MRI" / name).write_bytes(b"x")
    assert len(find_picture_pairs(folders, ["_fused.png"])) == 4


@pytest.mark.parametrize("sources", [None, [], "MRI", ["MRI"]])
def test_sources_that_are_no_list_of_two_are_told(sources):
    with pytest.raises(BadInputError, match="expected a folder or a PNG file for each source"):
        find_picture_pairs(sources)


def test_a_folder_that_is_missing_or_empty_is_told(folders, tmp_path):
    with pytest.raises(BadInputError, match="none does not exist"):
        find_picture_pairs([folders[0], str(tmp_path / "none")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="no PNG picture in .*empty"):
        find_picture_pairs([folders[0], str(tmp_path / "empty")])


def test_a_file_and_a_folder_are_told(folders):
    with pytest.raises(BadInputError, match="is a file and"):
        find_picture_pairs([folders[0], f"{folders[1]}/1.png"])


def test_folders_without_a_common_name_are_told(folders, tmp_path):
    (tmp_path / "CT").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "CT" / "77.png")
    with pytest.raises(BadInputError, match="has a partner of the same name"):
        find_picture_pairs([folders[0], str(tmp_path / "CT")])


def test_sources_are_named_after_what_differs():
    assert source_labels(["d/MRI/1.png", "d/PET/1.png"]) == ["MRI", "PET"]
    assert source_labels(["d/1_mr.png", "d/1_pet.png"]) == ["1_mr", "1_pet"]
    assert source_labels(["d/1.png", "d/1.png"]) == ["source 1", "source 2"]
