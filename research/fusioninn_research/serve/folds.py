"""Who is judged, and the folds of the cross-validation, persons apart."""

from __future__ import annotations

from collections.abc import Sequence

from monai.data import partition_dataset

from scripts.data.discovery import Patient, usable
from scripts.data.errors import BadInputError
from scripts.data.naming import person_of
from scripts.data.split import split_patients


def judged_patients(patients: Sequence[Patient], split_file: str | None) -> tuple[list[Patient], list[str]]:
    """Choose the patients to judge.

    Args:
        patients: records of `find_patients`.
        split_file: a split of them; who is in neither list is left out. None takes all.

    Returns:
        the patients, sorted by name; names of those who were held out, which are in the split's list for training.

    Raises:
        BadInputError: nobody is left, or a patient has no segmentation, or several.
    """
    patients = usable(patients)
    held_out, validation = split_patients(patients, split_file=split_file) if split_file else (patients, [])
    judged = sorted([*held_out, *validation], key=lambda patient: patient["patient"])
    missing = [patient["patient"] for patient in judged if not patient.get("seg")]
    if missing:
        raise BadInputError(
            f"{len(missing)} of {len(judged)} patients have no segmentation, or several: {', '.join(missing[:5])}. Add "
            "one _seg file for each, or leave them out of the split file."
        )
    return judged, [patient["patient"] for patient in held_out]


def folds_of(patients: Sequence[Patient], folds: int, seed: int = 0) -> list[list[str]]:
    """Deal patients out to folds, all visits of a person to one.

    Args:
        patients: the patients.
        folds: number of folds.
        seed: seed of the order of persons. Defaults to 0.

    Returns:
        names of the patients of each fold.

    Raises:
        BadInputError: there are fewer than two folds, or fewer persons than folds.
    """
    persons: dict[str, list[str]] = {}
    for patient in patients:
        persons.setdefault(person_of(patient["patient"]), []).append(patient["patient"])
    if not isinstance(folds, int) or not 2 <= folds <= len(persons):
        raise BadInputError(
            f"folds is {folds!r}, expected a whole number from 2 to the number of persons, {len(persons)}. Give other "
            "--folds, or a --dataset_dir with more patients."
        )
    parts = partition_dataset(sorted(persons), num_partitions=folds, shuffle=True, seed=seed, even_divisible=False)
    return [sorted(name for person in part for name in persons[person]) for part in parts]
