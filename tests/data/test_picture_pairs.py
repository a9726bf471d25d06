"""Pairing pictures."""

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


def test_pictures_of_one_name_are_a_pair_and_missing_partners_are_reported(folders):
    records = {record["patient"]: record for record in find_picture_pairs(folders)}
    assert sorted(records) == ["1", "10", "11", "2"]
    assert records["10"]["files"] == [f"{folder}/10.png" for folder in folders]
    assert records["2"]["problem"].startswith(f"the picture 2 is missing in {folders[1]}")
    assert records["11"]["problem"].startswith(f"the picture 11 is missing in {folders[0]}")


def test_files_are_a_pair_regardless_of_their_names(folders):
    files = [f"{folders[0]}/2.png", f"{folders[1]}/11.png"]
    assert find_picture_pairs(files) == [{"patient": "2", "files": files}]


def test_other_files_hidden_ones_and_results_are_not_sources(folders, tmp_path, caplog):
    for name in ("._1.png", "notes.gif", "1_fused.png", "1.jpg"):
        (tmp_path / "MRI" / name).write_bytes(b"x")
    with caplog.at_level("INFO"):
        assert len(find_picture_pairs(folders, ["_fused.png"])) == 4
    assert "1 × not a picture that can be read" in caplog.text and "notes.gif" in caplog.text
    assert "1 × copy of a PNG file of the same name" in caplog.text and "1.jpg" in caplog.text


def test_formats_and_affixes_do_not_keep_partners_apart(tmp_path):
    for name in ("CT/ct_01.jpg", "CT/ct_02.jpg", "CT/ct_10.jpg", "MR/mr-1.tif", "MR/mr-2.bmp", "MR/mr-3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    records = {record["patient"]: record for record in find_picture_pairs([tmp_path / "CT", tmp_path / "MR"])}
    assert records["ct_01"]["files"] == [str(tmp_path / "CT" / "ct_01.jpg"), str(tmp_path / "MR" / "mr-1.tif")]
    assert records["ct_02"]["files"][1] == str(tmp_path / "MR" / "mr-2.bmp")
    assert "the picture ct_10 is missing" in records["ct_10"]["problem"]
    assert "the picture mr-3 is missing" in records["mr-3"]["problem"]


def test_two_files_of_one_name_stop_that_pair_only(folders, tmp_path):
    for name in ("12.jpg", "12.tif"):
        (tmp_path / "MRI" / name).touch()
    (tmp_path / "PET" / "12.png").touch()
    records = {record["patient"]: record for record in find_picture_pairs(folders)}
    assert "12.jpg and" in records["12"]["problem"] and "Keep one of them" in records["12"]["problem"]
    assert "problem" not in records["1"]


@pytest.mark.parametrize("sources", [None, [], "MRI", ["MRI"]])
def test_sources_that_are_no_list_of_two_are_reported(sources):
    with pytest.raises(BadInputError, match="expected a folder or a picture for each source"):
        find_picture_pairs(sources)


def test_a_folder_that_is_missing_or_empty_is_reported(folders, tmp_path):
    with pytest.raises(BadInputError, match="none does not exist"):
        find_picture_pairs([folders[0], str(tmp_path / "none")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="no picture was found in .*empty"):
        find_picture_pairs([folders[0], str(tmp_path / "empty")])


def test_a_file_and_a_folder_are_reported(folders):
    with pytest.raises(BadInputError, match="is a file and"):
        find_picture_pairs([folders[0], f"{folders[1]}/1.png"])


def test_folders_without_a_common_name_are_reported(folders, tmp_path):
    (tmp_path / "CT").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "CT" / "77.png")
    with pytest.raises(BadInputError, match="has a partner of the same or a similar name"):
        find_picture_pairs([folders[0], str(tmp_path / "CT")])


def test_sources_are_named_after_what_differs():
    assert source_labels(["d/MRI/1.png", "d/PET/1.png"]) == ["MRI", "PET"]
    assert source_labels(["d/1_mr.png", "d/1_pet.png"]) == ["1_mr", "1_pet"]
    assert source_labels(["d/1.png", "d/1.png"]) == ["source 1", "source 2"]
