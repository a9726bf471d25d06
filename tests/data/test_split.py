"""Splitting patients: no person in both parts."""

from __future__ import annotations

import json

import pytest

from scripts.data.errors import BadInputError
from scripts.data.naming import person_of
from scripts.data.split import split_patients, validation_patients


def records(*names, **sections):
    found = [{"patient": name} for name in names]
    return found + [{"patient": name, "section": section} for name, section in sections.items()]


def names(patients):
    return [patient["patient"] for patient in patients]


PATIENTS = records(*(f"P{i:02d}" for i in range(20)))


class TestSeededSplit:
    def test_everybody_is_on_one_side(self):
        train, validation = split_patients(PATIENTS)
        assert (len(train), len(validation)) == (16, 4)
        assert sorted(names(train) + names(validation)) == names(PATIENTS)

    def test_the_choice_is_frozen(self):
        assert names(split_patients(PATIENTS, seed=0)[1]) == ["P08", "P10", "P13", "P17"]
        assert names(split_patients(PATIENTS, seed=1)[1]) == ["P00", "P07", "P08", "P15"]

    def test_the_order_of_patients_does_not_matter(self):
        assert split_patients(PATIENTS[::-1]) == split_patients(PATIENTS)

    def test_a_new_patient_moves_at_most_one_other(self):
        before = set(names(split_patients(PATIENTS)[1]))
        after = set(names(split_patients([*PATIENTS, {"patient": "new"}])[1]))
        assert len(before - after) <= 1

    def test_visits_of_a_person_stay_together(self):
        patients = records(*(f"BraTS-GLI-{person:05d}-{visit:03d}" for person in range(6) for visit in range(3)))
        train, validation = split_patients(patients, validation_fraction=0.5)
        assert len(train) == len(validation) == 9
        assert not {map(person_of, names(train))} & {map(person_of, names(validation))}

    def test_small_and_large_fractions_leave_somebody_on_both_sides(self):
        assert [len(side) for side in split_patients(PATIENTS, 0.001)] == [19, 1]
        assert [len(side) for side in split_patients(PATIENTS, 0.999)] == [1, 19]

    def test_fraction_zero_needs_no_validation_patient(self):
        train, validation = split_patients(records("A"), validation_fraction=0)
        assert names(train) == ["A"]
        assert validation == []

    def test_one_patient_cannot_be_split(self):
        with pytest.raises(BadInputError, match=r"1 patient.* \(A\).*validation_fraction to 0"):
            split_patients(records("A"))

    def test_two_visits_of_one_person_cannot_be_split(self):
        with pytest.raises(BadInputError, match="cannot be split"):
            split_patients(records("sub-01_ses-01", "sub-01_ses-02"))

    @pytest.mark.parametrize("fraction", [-0.1, 1, 2])
    def test_a_fraction_out_of_range_is_refused(self, fraction):
        with pytest.raises(BadInputError, match="expected 0 <= fraction < 1"):
            split_patients(PATIENTS, validation_fraction=fraction)


class TestSplitFile:
    def test_a_written_split_can_be_followed(self, tmp_path):
        path = tmp_path / "run" / "split.json"
        split = split_patients(PATIENTS, 0.3, seed=5, save_to=path)
        content = json.loads(path.read_text())
        assert content["validation"] == names(split[1])
        assert (content["seed"], content["validation_fraction"]) == (5, 0.3)
        assert split_patients(PATIENTS, split_file=path) == split

    def write(self, tmp_path, **content):
        path = tmp_path / "split.json"
        path.write_text(json.dumps(content))
        return path

    def test_unknown_and_unnamed_patients_are_reported(self, tmp_path):
        path = self.write(tmp_path, train=["A", "gone"], validation=["B"])
        with (
            pytest.warns(UserWarning, match="1 patient.* are not in the data set: gone"),
            pytest.warns(UserWarning, match=r"1 patient.* in neither list .* left out: C"),
        ):
            train, validation = split_patients(records("A", "B", "C"), split_file=path)
        assert (names(train), names(validation)) == (["A"], ["B"])

    def test_the_same_patient_on_both_sides_is_refused(self, tmp_path):
        path = self.write(tmp_path, train=["A", "B"], validation=["B"])
        with pytest.raises(BadInputError, match="same person is in training and validation"):
            split_patients(records("A", "B"), split_file=path)

    def test_the_same_person_under_two_names_is_refused(self, tmp_path):
        path = self.write(tmp_path, train=["TCGA-DU-7294"], validation=["TCGA_DU_7294_19890104"])
        with pytest.raises(BadInputError, match=r"7294 \(training\) and .*19890104 \(validation\)"):
            split_patients(
                records("TCGA-DU-7294", "TCGA_DU_7294_19890104"),
                split_file=path,
            )

    @pytest.mark.filterwarnings("ignore:.*split file")
    def test_a_split_that_leaves_no_training_is_refused(self, tmp_path):
        path = self.write(tmp_path, train=["gone"], validation=["A"])
        with pytest.raises(BadInputError, match=r"no patient is left for training .*split\.json"):
            split_patients(records("A"), split_file=path)

    def test_a_file_that_is_not_a_split_is_refused(self, tmp_path):
        with pytest.raises(BadInputError, match='has no key "train".*A split file is'):
            split_patients(PATIENTS, split_file=self.write(tmp_path, training=["A"]))

    def test_names_that_were_made_safe_are_found_by_what_they_were(self, tmp_path):
        path = tmp_path / "split.json"
        path.write_text(json.dumps({"train": ["a:1"], "validation": ["b%3A2"]}))
        train, validation = split_patients([{"patient": "a%3A1"}, {"patient": "b%3A2"}], split_file=path)
        assert [side[0]["patient"] for side in (train, validation)] == ["a%3A1", "b%3A2"]

    def test_a_truncated_or_missing_file_is_refused(self, tmp_path):
        path = tmp_path / "split.json"
        with pytest.raises(BadInputError, match="does not exist.*A split file is"):
            split_patients(PATIENTS, split_file=path)
        path.write_text('{"train": ["A"')
        with pytest.raises(BadInputError, match="cannot be read"):
            split_patients(PATIENTS, split_file=path)


class TestDatalistSections:
    def test_the_datalist_s_own_validation_is_followed(self):
        patients = records(A="training", B="validation", C="training", D="test")
        train, validation = split_patients(patients)
        assert (names(train), names(validation)) == (["A", "C"], ["B"])

    def test_a_datalist_without_validation_is_split_by_seed(self):
        patients = records(A="training", B="training", C="test")
        train, validation = split_patients(patients)
        assert sorted(names(train) + names(validation)) == ["A", "B"]

    def test_a_datalist_without_training_is_refused(self):
        with pytest.raises(BadInputError, match="no patient is left for training by the datalist"):
            split_patients(records(A="validation"))


def test_the_lgg_split_is_followed(shared_data):
    patients = [{"patient": path.parent.name} for path in shared_data.glob("lgg/*/*_t1ce.nii.gz")]
    train, validation = split_patients(patients, split_file=shared_data / "lgg" / "split.json")
    assert (len(train), len(validation)) == (62, 16)


class TestValidationPatients:
    def split(self, folder):
        path = folder / "split.json"
        path.write_text(json.dumps({"train": ["A", "B"], "validation": ["D", "C"]}))
        return path

    @pytest.mark.filterwarnings("ignore:.*not in the data set")
    def test_those_for_training_need_not_be_there(self, tmp_path):
        assert names(validation_patients(records("D", "C"), self.split(tmp_path))) == ["C", "D"]

    def test_those_for_training_are_left_out(self, tmp_path):
        assert names(validation_patients(records("A", "B", "C", "D"), self.split(tmp_path))) == ["C", "D"]

    @pytest.mark.filterwarnings("ignore")
    def test_a_split_of_other_patients_is_refused(self, tmp_path):
        with pytest.raises(BadInputError, match="sets none of the 2 patients aside"):
            validation_patients(records("X", "Y"), self.split(tmp_path))
