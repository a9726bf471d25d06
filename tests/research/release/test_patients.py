from __future__ import annotations

import json

import pytest

from fusioninn_research.release.patients import Patients, fingerprint_of
from fusioninn_research.release.plan import read_plan
from scripts.data.errors import BadInputError
from scripts.data.split import validation_patients


@pytest.fixture
def patients_of(write_plan):
    """Return a function that gives the patients of a repository whose plan is changed."""

    def of(root, **changes) -> Patients:
        return Patients(read_plan(write_plan(root, **changes), root), root, root / "patients")

    return of


class TestPatients:
    def test_validation_and_held_out_patients_are_the_two_sides_of_the_split(self, patients_of, root):
        patients = patients_of(root)
        patients.write()
        places = patients.places()
        everyone = [{"patient": name} for name in ("T1", "T2", "T3", "V1", "V2")]
        chosen = {
            name: [one["patient"] for one in validation_patients(everyone, places[name])]
            for name in ("validation_split", "held_out_split", "split")
        }
        assert chosen == {
            "validation_split": ["V1", "V2"],
            "held_out_split": ["T1", "T2", "T3"],
            "split": ["V1", "V2"],
        }

    def test_who_was_trained_on_is_in_no_figure(self, patients_of, root):
        patients = patients_of(root, left_out=["V1", "T2"])
        patients.write()
        places = patients.places()
        assert json.loads((root / "patients/split.json").read_text()) == {"train": ["T1", "T3"], "validation": ["V2"]}
        assert json.loads((root / "patients/held_out_split.json").read_text())["validation"] == ["T1", "T3"]
        assert {path.name for path in (root / "patients/unseen").iterdir()} == {"V2", "T1", "T3"}
        assert places["unseen"] == str(root / "patients/unseen")

    def test_who_was_trained_on_under_another_name_is_left_out(self, patients_of, root):
        people = {"A": "V1", "B": "T2", "C": "T1"}
        patients_of(root, same_people=people, training=["OPEN/A"]).write()
        assert json.loads((root / "patients/split.json").read_text()) == {
            "train": ["T1", "T2", "T3"],
            "validation": ["V2"],
        }
        assert [path.name for path in (root / "patients/training").iterdir()] == ["A"]
        patients_of(root, same_people=people).write()
        assert json.loads((root / "patients/split.json").read_text()) == {"train": ["T1", "T3"], "validation": ["V2"]}

    def test_patients_of_several_data_sets_are_one_folder_of_links(self, patients_of, root):
        (root / "more/C").mkdir(parents=True)
        patients = patients_of(root, data={"OPEN": "open", "MORE": "more", "LGG": "lgg"}, training=["OPEN", "MORE"])
        patients.write()
        folder = root / "patients/training"
        assert {path.name for path in folder.iterdir()} == {"A", "B", "C"}
        assert (folder / "A/image.nii").read_text() == "open/A"
        assert [path.name for path in (root / "patients/pictured").iterdir()] == ["A"]

    def test_a_second_time_links_follow_the_plan(self, patients_of, root):
        patients_of(root).write()
        patients_of(root, left_out=["V1"]).write()
        assert {path.name for path in (root / "patients/unseen").iterdir()} == {"V2", "T1", "T2", "T3"}

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"left_out": ["X"]}, "has no X, to be left out"),
            ({"left_out": ["V1", "V2"]}, "leaves nobody to measure on"),
            ({"training": ["OPEN/Z"], "pictured": ""}, r"The training patient .*open/Z of the plan is missing"),
            ({"pictured": "V1"}, "V1, to be pictured by the plan, is not in the training data"),
        ],
    )
    def test_a_patient_that_is_not_there_is_named(self, patients_of, root, changes, problem):
        with pytest.raises(BadInputError, match=problem):
            patients_of(root, **changes).write()


def test_a_fingerprint_sees_names_and_sizes_through_links(tmp_path):
    (tmp_path / "data/A").mkdir(parents=True)
    (tmp_path / "data/A/image").write_text("12")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/A").symlink_to(tmp_path / "data/A", target_is_directory=True)
    first = fingerprint_of(tmp_path / "links")
    assert first == fingerprint_of(tmp_path / "data")
    (tmp_path / "data/A/image").write_text("123")
    assert fingerprint_of(tmp_path / "links") != first
