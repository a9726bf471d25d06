"""Split patients into training and validation, with no person in both."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from .atomic import written_whole
from .discovery import Patient
from .errors import BadInputError
from .naming import person_of
from .safe_names import file_name
from .schema import read_record

_REMEDY = (
    'A split file is {"train": [patient, ...], "validation": [patient, ...]}. Correct it, or leave split_file out to '
    "have patients split by seed."
)
_NAMES = {"type": "array", "items": {"type": "string", "description": "a name"}, "description": "a list of patients"}
SPLIT_SCHEMA = {
    "type": "object",
    "description": "a JSON object",
    "required": ["train", "validation"],
    "properties": {"train": _NAMES, "validation": _NAMES},
}
"""JSON schema of a split file."""


def split_patients(
    patients: Sequence[Patient],
    validation_fraction: float = 0.2,
    seed: int = 0,
    save_to: str | os.PathLike[str] | None = None,
    split_file: str | os.PathLike[str] | None = None,
) -> tuple[list[Patient], list[Patient]]:
    """Split patients into training and validation.

    The split comes from, in this order: `split_file`; the datalist's own "validation" section; a seeded choice of
    persons. Visits of one person always stay together. The choice depends on the names alone, not on their order, and
    adding a patient does not reassign the others.

    Args:
        patients: records of `find_patients`.
        validation_fraction: share of persons for validation, in [0, 1); at least one person on
            each side unless it is 0. Defaults to 0.2.
        seed: seed of the choice. Defaults to 0.
        save_to: JSON file to write the split to; it can serve as `split_file` later.
        split_file: JSON file {"train": [patient, ...], "validation": [patient, ...]} to follow.

    Returns:
        training and validation records, each sorted by patient.

    Raises:
        BadInputError: the fraction is out of range or requires more persons than available; the file is not a split;
            training is empty; a person is in both parts.
    """
    ordered = sorted(patients, key=lambda patient: patient["patient"])
    names = [patient["patient"] for patient in ordered]
    if split_file:
        train_names, validation_names = _read_split(Path(split_file).expanduser(), names)
        origin = f"the split file {Path(split_file).name}"
    elif any(patient.get("section") == "validation" for patient in ordered):
        train_names, validation_names = (
            {patient["patient"] for patient in ordered if patient.get("section") == section}
            for section in ("training", "validation")
        )
        origin = "the datalist"
    else:
        candidates = [patient for patient in ordered if patient.get("section") != "test"]
        names = [patient["patient"] for patient in candidates]
        validation_names = _choose(names, validation_fraction, seed)
        train_names = set(names) - validation_names
        origin = "the seeded choice"
    _refuse_shared_persons(train_names, validation_names, origin)
    if not train_names:
        raise BadInputError(
            f"no patient is left for training by {origin} ({len(ordered)} patients in all). Add "
            "patients, or name some of them for training."
        )
    train = [patient for patient in ordered if patient["patient"] in train_names]
    validation = [patient for patient in ordered if patient["patient"] in validation_names]
    if save_to and not (split_file and Path(split_file).expanduser().resolve() == Path(save_to).resolve()):
        content = {
            "train": [patient["patient"] for patient in train],
            "validation": [patient["patient"] for patient in validation],
            "seed": seed,
            "validation_fraction": validation_fraction,
            "origin": origin,
        }
        with written_whole(save_to) as temporary:
            Path(temporary).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return train, validation


def validation_patients(patients: Sequence[Patient], split_file: str | os.PathLike[str]) -> list[Patient]:
    """Return the validation patients of a split; the training patients need not be available.

    Args:
        patients: records of `find_patients`.
        split_file: JSON file as written by `split_patients`.

    Returns:
        records, sorted by patient.

    Raises:
        BadInputError: the file is not a split, or none of the patients is in its validation part.
    """
    _, validation = _read_split(Path(split_file).expanduser(), [patient["patient"] for patient in patients])
    chosen = [patient for patient in patients if patient["patient"] in validation]
    if not chosen:
        raise BadInputError(
            f"{split_file} sets none of the {len(patients)} patients aside for validation. Give the split that belongs "
            "to this --dataset_dir."
        )
    return sorted(chosen, key=lambda patient: patient["patient"])


def _choose(names: Iterable[str], fraction: float, seed: int) -> set[str]:
    if not 0 <= fraction < 1:
        raise BadInputError(f"validation_fraction is {fraction}, expected 0 <= fraction < 1.")
    names = list(names)
    persons = sorted({person_of(name) for name in names})
    if fraction == 0:
        return set()
    if len(persons) < 2:
        raise BadInputError(
            f"{len(persons)} patient(s) ({', '.join(names)}) cannot be split into training and "
            "validation. Add patients, or set validation_fraction to 0 to train without "
            "validation."
        )
    count = min(max(round(fraction * len(persons)), 1), len(persons) - 1)
    chosen = set(sorted(persons, key=lambda person: _rank(person, seed))[:count])
    return {name for name in names if person_of(name) in chosen}


def _rank(person: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{person}".encode()).hexdigest()


def _read_split(path: Path, names: Sequence[str]) -> tuple[set[str], set[str]]:
    content = read_record(path, SPLIT_SCHEMA, _REMEDY)
    known = set(names)
    # A list written by hand may contain the original names instead of the safe ones.
    sides = [{name if name in known else _safe(name) for name in content[side]} for side in ("train", "validation")]
    # before unknown names are dropped: a shared person is an error of the file
    _refuse_shared_persons(*sides, str(path))
    unknown = sorted((sides[0] | sides[1]) - known)
    if unknown:
        warnings.warn(
            f"{len(unknown)} patient(s) of the split file {path} are not in the data set: {_shown(unknown)}",
            stacklevel=3,
        )
    unnamed = sorted(known - sides[0] - sides[1])
    if unnamed:
        warnings.warn(
            f"{len(unnamed)} patient(s) are in neither list of the split file {path} and are left "
            f"out: {_shown(unnamed)}",
            stacklevel=3,
        )
    return sides[0] & known, sides[1] & known


def _safe(name: str) -> str:
    try:
        return file_name(name)
    except BadInputError:
        return name


def _refuse_shared_persons(train: Iterable[str], validation: Iterable[str], origin: str) -> None:
    training_name = {person_of(name): name for name in sorted(train)}
    shared = [
        f"{training_name[person_of(name)]} (training) and {name} (validation)"
        for name in sorted(validation)
        if person_of(name) in training_name
    ]
    if shared:
        raise BadInputError(
            f"the same person is in training and validation by {origin}: {_shown(shared)}. Keep all images of a person "
            "in one part."
        )


def _shown(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
