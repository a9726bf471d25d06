"""Finding patients: the layout is detected automatically."""

from __future__ import annotations

import json
import os

import pytest

from scripts.data.discovery import find_patients, usable
from scripts.data.errors import BadInputError
from scripts.data.naming import is_volume


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def write_datalist(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


class TestFolders:
    def test_other_formats_are_found_where_they_are_asked_for(self, tmp_path):
        touch(tmp_path / "A", "A_t1ce.nii.gz", "A_flair.nrrd")
        (record,) = find_patients(tmp_path, is_image=is_volume)
        assert record["flair"] == str(tmp_path / "A" / "A_flair.nrrd")
        (record,) = find_patients(tmp_path)
        assert "the flair image is missing" in record["problem"]

    def test_brats_2018_names_are_found_in_order(self, tmp_path):
        for name in ("B", "A"):
            touch(
                tmp_path / name,
                *(f"{name}_{word}.nii.gz" for word in ("t1", "t1ce", "t2", "flair", "seg")),
            )
        assert find_patients(tmp_path) == [
            {
                "patient": name,
                "t1gd": str(tmp_path / name / f"{name}_t1ce.nii.gz"),
                "flair": str(tmp_path / name / f"{name}_flair.nii.gz"),
                "seg": str(tmp_path / name / f"{name}_seg.nii.gz"),
            }
            for name in ("A", "B")
        ]

    def test_brats_2023_names_are_found(self, tmp_path):
        name = "BraTS-GLI-00000-000"
        folder = touch(tmp_path / name, *(f"{name}-{word}.nii.gz" for word in ("t1c", "t1n", "t2f", "t2w")))
        (record,) = find_patients(tmp_path)
        assert record["t1gd"] == str(folder / f"{name}-t1c.nii.gz")
        assert record["flair"] == str(folder / f"{name}-t2f.nii.gz")
        assert "seg" not in record

    def test_grades_one_level_deeper_and_plain_nii_are_found(self, tmp_path):
        touch(tmp_path / "HGG" / "X", "X_t1ce.nii", "X_flair.NII")
        touch(tmp_path / "LGG" / "Y", "Y_T1CE.nii.gz", "Y_Flair.nii.gz")
        assert [record["patient"] for record in find_patients(tmp_path)] == ["X", "Y"]

    def test_one_patient_folder_is_found(self, tmp_path):
        folder = touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        assert find_patients(folder)[0]["patient"] == "X"

    def test_files_without_a_patient_in_their_name_take_the_folder_s(self, tmp_path):
        touch(tmp_path / "visit1", "t1gd.nii.gz", "flair.nii.gz")
        assert find_patients(tmp_path)[0]["patient"] == "visit1"

    def test_several_patients_in_one_folder_are_told_apart(self, tmp_path):
        touch(tmp_path, "A_t1ce.nii.gz", "A_flair.nii.gz", "B_t1ce.nii.gz", "B_flair.nii.gz")
        assert [record["patient"] for record in find_patients(tmp_path)] == ["A", "B"]

    def test_other_sources_can_be_asked_for(self, tmp_path):
        touch(tmp_path / "X", "X_t1.nii.gz", "X_t2.nii.gz", "X_adc.nii.gz")
        (record,) = find_patients(tmp_path, sources=("t1", "t2", "adc"))
        assert record["adc"] == str(tmp_path / "X" / "X_adc.nii.gz")

    def test_hidden_and_macos_files_are_ignored(self, tmp_path):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz", "._X_flair.nii.gz", ".DS_Store")
        touch(tmp_path / ".cache" / "Y", "Y_t1ce.nii.gz")
        assert find_patients(tmp_path) == [
            {
                "patient": "X",
                "t1gd": str(tmp_path / "X" / "X_t1ce.nii.gz"),
                "flair": str(tmp_path / "X" / "X_flair.nii.gz"),
            }
        ]

    def test_links_to_patients_are_followed_and_loops_end(self, tmp_path):
        touch(tmp_path / "store" / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "X").symlink_to(tmp_path / "store" / "X")
        (tmp_path / "store" / "X" / "loop").symlink_to(tmp_path / "data")
        assert len(find_patients(tmp_path / "data")) == 1

    def test_results_of_this_bundle_next_to_the_patients_are_no_patients(self, tmp_path, recwarn):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        touch(
            *(tmp_path / "eval" / "X", "X_fused.nii.gz", "X_t1gd_decomposed.nii.gz"),
            *("X_t1gd_contribution.nii.gz", "X_flair_uncertainty.nii.gz"),
        )
        assert len(find_patients(tmp_path)) == 1
        assert not recwarn.list

    def test_the_misnamed_segmentation_of_brats_2020_is_adopted(self, tmp_path):
        name = "BraTS20_Training_355"
        files = (f"{name}_t1ce.nii", f"{name}_flair.nii", "W39_1998.09.19_Segm.nii")
        folder = touch(tmp_path / name, *files)
        assert find_patients(tmp_path)[0]["seg"] == str(folder / files[2])

    def test_relative_and_home_paths_become_absolute(self, tmp_path, monkeypatch):
        touch(tmp_path / "data" / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        monkeypatch.chdir(tmp_path)
        assert os.path.isabs(find_patients("data")[0]["t1gd"])
        monkeypatch.setenv("HOME", str(tmp_path))
        assert find_patients("~/data") == find_patients("data")


class TestProblems:
    def test_a_missing_modality_becomes_a_problem_that_names_it(self, tmp_path):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_t2.nii.gz")
        (record,) = find_patients(tmp_path)
        assert record["patient"] == "X"
        assert "the flair image is missing in" in record["problem"]
        assert str(tmp_path / "X") in record["problem"]
        assert "expected X_flair.nii.gz or X-t2f.nii.gz, found X_t1ce.nii.gz, X_t2.nii.gz" in (record["problem"])
        assert "Add the file" in record["problem"]

    def test_images_of_two_patients_in_one_folder_are_not_paired(self, tmp_path):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "Y_flair.nii.gz")
        problems = [record["problem"] for record in find_patients(tmp_path)]
        assert len(problems) == 2
        assert "also holds Y_flair.nii.gz, of another patient" in problems[0]

    def test_two_files_for_one_modality_are_a_problem(self, tmp_path):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz", "X_flair.nii")
        (record,) = find_patients(tmp_path)
        assert "2 files match the flair image" in record["problem"]
        assert "Keep one of them" in record["problem"]

    def test_an_empty_patient_folder_is_a_problem(self, tmp_path):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        touch(tmp_path / "Y")
        assert "Y is empty" in find_patients(tmp_path)[1]["problem"]

    def test_a_folder_of_unknown_names_next_to_patients_is_warned_of(self, tmp_path, caplog):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        touch(tmp_path / "Y", "mprage.nii.gz")
        assert len(find_patients(tmp_path)) == 1
        assert "1 × no known contrast in the name: Y/mprage.nii.gz" in caplog.text

    def test_usable_drops_problems_with_a_warning(self, tmp_path):
        touch(tmp_path / "X", "X_t1ce.nii.gz", "X_flair.nii.gz")
        touch(tmp_path / "Y", "Y_t1ce.nii.gz")
        with pytest.warns(UserWarning, match="left out: Y: the flair image is missing"):
            patients = usable(find_patients(tmp_path))
        assert [patient["patient"] for patient in patients] == ["X"]

    @pytest.mark.filterwarnings("ignore:left out")
    def test_usable_refuses_when_nothing_remains(self, tmp_path):
        touch(tmp_path / "Y", "Y_t1ce.nii.gz")
        with pytest.raises(BadInputError, match=r"no patient can be used \(1 found\):\n- Y"):
            usable(find_patients(tmp_path))


class TestBadFolders:
    def test_a_missing_folder_is_refused(self, tmp_path):
        with pytest.raises(BadInputError, match=r"nowhere does not exist"):
            find_patients(tmp_path / "nowhere")

    def test_a_file_instead_of_a_folder_is_refused(self, tmp_path):
        touch(tmp_path, "X_t1ce.nii.gz")
        with pytest.raises(BadInputError, match=r"is a file, but dataset_dir must be a folder"):
            find_patients(tmp_path / "X_t1ce.nii.gz")

    def test_an_empty_folder_is_refused(self, tmp_path):
        touch(tmp_path, ".DS_Store")
        with pytest.raises(BadInputError, match="is empty"):
            find_patients(tmp_path)

    def test_a_folder_without_patients_lists_what_was_looked_for_and_found(self, tmp_path):
        touch(tmp_path / "scans", "brain.nii.gz", "notes.txt")
        with pytest.raises(BadInputError) as caught:
            find_patients(tmp_path)
        message = str(caught.value)
        assert "Searched for <patient>_t1ce.nii.gz or <patient>-t1c.nii.gz" in message
        assert "found scans/brain.nii.gz, scans/notes.txt" in message
        assert '{"training": [{"patient": "p1", "t1gd": "p1/t1gd.nii.gz"' in message

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
    def test_an_unreadable_folder_is_refused(self, tmp_path):
        folder = touch(tmp_path / "data", "X_t1ce.nii.gz")
        folder.chmod(0)
        try:
            with pytest.raises(BadInputError, match="cannot be read"):
                find_patients(folder)
        finally:
            folder.chmod(0o700)

    @pytest.mark.parametrize("sources", ["t1gd", ["t1gd"], ["t1gd", "t1gd"]])
    def test_unusable_sources_are_refused(self, tmp_path, sources):
        with pytest.raises(BadInputError, match="sources is"):
            find_patients(tmp_path, sources=sources)


MODALITY = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}


class TestDecathlon:
    def write(self, folder, modality=MODALITY):
        touch(folder / "imagesTr", "BRATS_001.nii.gz", "BRATS_002.nii.gz", "._BRATS_001.nii.gz")
        touch(folder / "labelsTr", "BRATS_001.nii.gz")
        touch(folder / "imagesTs", "BRATS_485.nii.gz")
        write_datalist(folder / "dataset.json", {"modality": modality})
        return folder

    def test_channels_of_one_file_are_named(self, tmp_path):
        folder = self.write(tmp_path / "Task01_BrainTumour")
        first, second, test = find_patients(folder)
        image = str(folder / "imagesTr" / "BRATS_001.nii.gz")
        assert first == {
            "patient": "BRATS_001",
            "t1gd": image,
            "flair": image,
            "seg": str(folder / "labelsTr" / "BRATS_001.nii.gz"),
            "channels": {"t1gd": 2, "flair": 0},
        }
        assert "seg" not in second
        assert test["patient"] == "BRATS_485"

    def test_the_task_is_found_from_the_folder_above(self, tmp_path):
        folder = self.write(tmp_path / "Task01_BrainTumour")
        assert find_patients(tmp_path) == find_patients(folder)

    def test_a_modality_that_the_task_lacks_is_refused(self, tmp_path):
        with pytest.raises(BadInputError, match=r"dataset.json names the channels .*'adc'"):
            find_patients(self.write(tmp_path), sources=("t1gd", "adc"))

    def test_a_description_without_modalities_is_refused(self, tmp_path):
        with pytest.raises(BadInputError, match='has no "modality" or "channel_names" table'):
            find_patients(self.write(tmp_path, modality=None))

    def test_a_task_without_images_is_refused(self, tmp_path):
        touch(tmp_path / "imagesTr")
        write_datalist(tmp_path / "dataset.json", {"modality": MODALITY})
        with pytest.raises(BadInputError, match="Unpack the task's archive"):
            find_patients(tmp_path)


class TestDatalist:
    def test_sections_and_paths_next_to_the_json_are_read(self, tmp_path):
        touch(tmp_path / "images", "a1.nii.gz", "a2.nii.gz", "as.nii.gz", "b1.nii.gz", "b2.nii.gz")
        path = write_datalist(
            tmp_path / "list.json",
            {
                "training": [
                    {
                        "patient": "A",
                        "t1gd": "images/a1.nii.gz",
                        "flair": "./images/a2.nii.gz",
                        "seg": "images/as.nii.gz",
                    }
                ],
                "validation": [{"patient": "B", "t1gd": "images/b1.nii.gz", "flair": "images/b2.nii.gz"}],
            },
        )
        expected_a = {
            "patient": "A",
            "t1gd": str(tmp_path / "images" / "a1.nii.gz"),
            "flair": str(tmp_path / "images" / "a2.nii.gz"),
            "seg": str(tmp_path / "images" / "as.nii.gz"),
            "section": "training",
        }
        found = find_patients("/nowhere", datalist=path)
        assert found[0] == expected_a
        assert found[1]["section"] == "validation"
        assert find_patients(path) == found

    def test_a_plain_list_named_datalist_json_is_found_by_looking(self, tmp_path):
        touch(tmp_path, "X_t1ce.nii.gz", "X_flair.nii.gz")
        write_datalist(tmp_path / "datalist.json", [{"t1gd": "X_t1ce.nii.gz", "flair": "X_flair.nii.gz"}])
        (record,) = find_patients(tmp_path)
        assert (record["patient"], record["section"]) == ("X", "training")

    def test_paths_may_be_relative_to_the_data_set_folder(self, tmp_path):
        touch(tmp_path / "data", "a1.nii.gz", "a2.nii.gz")
        path = write_datalist(
            tmp_path / "lists" / "l.json",
            [{"patient": "A", "t1gd": "a1.nii.gz", "flair": "a2.nii.gz"}],
        )
        (record,) = find_patients(tmp_path / "data", datalist=path)
        assert record["t1gd"] == str(tmp_path / "data" / "a1.nii.gz")

    def test_one_file_of_several_channels_can_be_listed(self, tmp_path):
        touch(tmp_path, "all.nii.gz")
        path = write_datalist(tmp_path / "l.json", [{"image": "all.nii.gz", "channels": {"t1gd": 1, "flair": 0}}])
        (record,) = find_patients(path)
        assert record["t1gd"] == record["flair"] == str(tmp_path / "all.nii.gz")
        assert record["channels"] == {"t1gd": 1, "flair": 0}
        assert record["patient"] == "all"

    def test_a_missing_file_is_a_problem_of_that_patient(self, tmp_path):
        touch(tmp_path, "a1.nii.gz")
        path = write_datalist(tmp_path / "l.json", [{"patient": "A", "t1gd": "a1.nii.gz", "flair": "a2.nii.gz"}])
        assert "a2.nii.gz does not exist" in find_patients(path)[0]["problem"]

    def test_a_missing_modality_is_a_problem_of_that_patient(self, tmp_path):
        touch(tmp_path, "a1.nii.gz")
        path = write_datalist(tmp_path / "l.json", [{"patient": "A", "t1gd": "a1.nii.gz"}])
        assert 'the flair image is missing (entry 0 of "training"' in (find_patients(path)[0]["problem"])

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"training": [', "cannot be read as JSON"),
            ("[]", "lists no patient"),
            ('{"images": ["a"]}', "lists no patient"),
            ('{"training": {"a": 1}}', "expected a list of entries"),
            ('["a.nii.gz"]', "entry 0 of"),
        ],
    )
    def test_an_unusable_datalist_is_refused(self, tmp_path, text, message):
        path = tmp_path / "l.json"
        path.write_text(text)
        with pytest.raises(BadInputError, match=message):
            find_patients(tmp_path, datalist=path)

    def test_a_missing_datalist_is_refused(self, tmp_path):
        with pytest.raises(BadInputError, match=r"l\.json does not exist"):
            find_patients(tmp_path, datalist=tmp_path / "l.json")

    def test_a_patient_in_both_sections_is_refused(self, tmp_path):
        touch(tmp_path, "1.nii.gz", "2.nii.gz")
        entry = {"patient": "A", "t1gd": "1.nii.gz", "flair": "2.nii.gz"}
        path = write_datalist(tmp_path / "l.json", {"training": [entry], "validation": [entry]})
        with pytest.raises(BadInputError, match="two patients are named A"):
            find_patients(path)


def test_the_open_patients_are_found(shared_data):
    patients = find_patients(shared_data / "open")
    assert [patient["patient"] for patient in patients] == [
        "TCGA-DU-7294",
        "TCGA-FG-6692",
        "openms-07",
        "openms-19",
        "openms-26",
    ]
    assert ["seg" in patient for patient in patients] == [False, False, True, True, True]
