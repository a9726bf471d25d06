"""Who is judged, and the folds."""

from __future__ import annotations

import json

import pytest

from fusioninn_research.serve.folds import folds_of, judged_patients
from scripts.data.errors import BadInputError


def records(*names: str) -> list[dict[str, str]]:
    return [{"patient": name, "seg": f"{name}_seg.nii.gz"} for name in names]


def test_every_patient_is_in_one_fold_and_visits_of_a_person_in_the_same():
    visits = ["TCGA_CS_4941_19960909", "TCGA_CS_4941_19970222", "TCGA_DU_5849_19950405", "A", "B", "C"]
    folds = folds_of(records(*visits), 3, seed=1)
    assert sorted(name for fold in folds for name in fold) == sorted(visits)
    assert all(fold for fold in folds)
    (both,) = [fold for fold in folds if visits[0] in fold]
    assert visits[1] in both


def test_folds_follow_the_seed_not_the_order():
    patients = records(*"ABCDEFGH")
    assert folds_of(patients, 2, 5) == folds_of(patients[::-1], 2, 5)
    assert folds_of(patients, 2, 5) != folds_of(patients, 2, 6)


@pytest.mark.parametrize("folds", [0, 1, 4, 2.0])
def test_a_number_of_folds_that_cannot_be_is_refused(folds):
    with pytest.raises(BadInputError, match=rf"folds is {folds}, expected a whole number from 2 to .* persons, 3"):
        folds_of(records("A", "B", "C"), folds)


def test_who_is_in_neither_list_of_the_split_is_left_out(tmp_path):
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["C", "A"], "validation": ["B"]}))
    with pytest.warns(UserWarning, match="in neither list"):
        judged, held_out = judged_patients(records(*"ABCD"), str(split))
    assert [patient["patient"] for patient in judged] == ["A", "B", "C"]
    assert held_out == ["A", "C"]


def test_without_a_split_all_are_judged():
    judged, held_out = judged_patients(records(*"BA"), None)
    assert [patient["patient"] for patient in judged] == ["A", "B"]
    assert sorted(held_out) == ["A", "B"]


def test_a_patient_without_segmentation_is_named():
    with pytest.raises(BadInputError, match="1 of 2 patients have no segmentation, or several: P"):
        judged_patients([*records("A"), {"patient": "P"}], None)
