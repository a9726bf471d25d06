"""The patients of a release: those of the training, and those that figures are measured on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.data.schema import read_record
from scripts.data.split import SPLIT_SCHEMA
from scripts.outputs.tables import write_json

from .plan import MADE_PLACES, Plan

SPLIT = "split.json"
ALL, VALIDATION, HELD_OUT, UNSEEN, TRAINING, PICTURED = MADE_PLACES[:6]
"""Places that this module fills: three split files and three folders of links to patients."""
MEASURED = (ALL, VALIDATION, HELD_OUT, UNSEEN)
"""Those of patients that figures are measured on."""


class Patients:
    """Split files and folders of patients in the folder of a release.

    Validation patients were used to choose the design, held-out patients for no choice. Who was trained on is in
    neither.

    Args:
        plan: the plan.
        data: folder with the data sets.
        folder: where split files and links are written.
    """

    def __init__(self, plan: Plan, data: Path, folder: Path) -> None:
        self.plan, self.data, self.folder = plan, data, folder

    def places(self) -> dict[str, str]:
        """Return the folder of each data set, and of what `write` writes, by name."""
        sets = {name: str(self.data / place) for name, place in self.plan.data.items()}
        files = {name: str(self.folder / f"{name}.json") for name in (ALL, VALIDATION, HELD_OUT)}
        return {**sets, **files, **{name: str(self.folder / name) for name in (UNSEEN, TRAINING, PICTURED)}}

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return the data folders that steps name and that are not there."""
        sets = {self.plan.measured_on, *self.plan.trained_on}
        wanted = [name for name in names if name in self.plan.data]
        if {ALL, VALIDATION, HELD_OUT, UNSEEN, TRAINING, PICTURED}.intersection(names):
            wanted += sorted(sets)
        places = self.places()
        return [places[name] for name in dict.fromkeys(wanted) if not Path(places[name]).is_dir()]

    def write(self) -> None:
        """Write split files and links.

        Raises:
            BadInputError: the split is missing, or a patient to be left out is not in it.
        """
        measured = self.data / self.plan.data[self.plan.measured_on]
        split = read_record(measured / SPLIT, SPLIT_SCHEMA, "Give the folder of data that has it.")
        trained = self.trained()
        same = {self.plan.same_people.get(path.name) for path in trained} - {None}
        left_out = {*self.plan.left_out, *same}
        unknown = sorted(left_out - {*split["train"], *split["validation"]})
        if unknown:
            raise BadInputError(f"{measured / SPLIT} has no {', '.join(unknown)}, to be left out by the plan.")
        validation, held_out = (
            [name for name in split[side] if name not in left_out] for side in ("validation", "train")
        )
        if not (validation and held_out):
            raise BadInputError(f"{measured / SPLIT} leaves nobody to measure on, without {len(left_out)} patients.")
        places = self.places()
        # Whoever is in neither list is left out, with a warning; names that are not to be measured are in no list.
        for name, parts in ((ALL, (held_out, validation)), (VALIDATION, ([], validation)), (HELD_OUT, ([], held_out))):
            write_json(places[name], {"train": parts[0], "validation": parts[1]})
        self._link(UNSEEN, [measured / name for name in (*validation, *held_out)])
        self._link(TRAINING, trained)
        if self.plan.pictured:
            shown = [path for path in trained if path.name == self.plan.pictured]
            if not shown:
                raise BadInputError(f"{self.plan.pictured}, to be pictured by the plan, is not in the training data.")
            self._link(PICTURED, shown)

    def trained(self) -> list[Path]:
        """Return the folders of the patients that the weights were trained on.

        Raises:
            BadInputError: one of them is not there.
        """
        found: list[Path] = []
        for entry in self.plan.training:
            name, _, patient = entry.partition("/")
            folder = self.data / self.plan.data[name]
            found += [folder / patient] if patient else _patients(folder)
        missing = [str(path) for path in found if not path.is_dir()]
        if missing:
            raise BadInputError(f"The training patient {missing[0]} of the plan is missing.")
        return found

    def _link(self, name: str, patients: list[Path]) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for patient in patients:
            if patient.exists():
                (folder / patient.name).symlink_to(patient.resolve(), target_is_directory=True)


def _patients(folder: Path) -> list[Path]:
    """Folders of patients of a data set."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def fingerprint_of(folder: Path) -> str:
    """Return a digest of the names and sizes of all files of a folder.

    Contents are not read: data sets are large, and copying one to another place must not repeat a release.
    """
    digest = hashlib.sha256()
    for place, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(files):
            path = Path(place) / name
            digest.update(f"{path.relative_to(folder).as_posix()}:{path.stat().st_size}\n".encode())
    return digest.hexdigest()
