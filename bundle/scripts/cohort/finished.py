"""Which patients a run has finished, so that the next one continues with the others."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from scripts.data.flags import is_true
from scripts.data.inputs import files_of
from scripts.data.safe_names import file_name
from scripts.data.strict_json import read_json
from scripts.outputs.staged import recover
from scripts.outputs.tables import write_json

from .settings import changed_settings

NOTES = ".finished"
"""Folder below that of the results that holds the notes. Hidden: results may lie among the sources."""
_SETTINGS = "settings"


class Finished(Protocol):
    """What knows which patients are finished."""

    resume: bool

    def made_with(self, settings: Mapping[str, str]) -> None:
        """Take what the parts of this run are set to, see `settings_of`."""

    def take_over(self, record: Mapping[str, Any]) -> list[str] | None:
        """Give the files of a patient that an earlier run has finished, or None."""

    def note(self, patient: str, files: Sequence[str]) -> None:
        """Take that a patient is finished, and with which files."""


class FinishedPatients:
    """Note which patients are finished, with what and from what, so that a later run with ``resume`` keeps them.

    The notes, ``.finished/<name>/<patient>.json`` below the results, hold names, sizes, times and digests.

    Args:
        output_dir: folder of the results.
        name: what is done, in a word that can name a folder.
        resume: leave out finished patients. Defaults to False.
    """

    def __init__(self, output_dir: str, name: str, resume: bool | str = False) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.folder = self.output_dir / NOTES / name
        self.resume = is_true(resume)
        self._made_with: dict[str, str] = {}
        self._sources: dict[str, dict[str, list[int]]] = {}
        self._patients: set[str] = set()
        self._noticed: list[Any] = []

    def made_with(self, settings: Mapping[str, str]) -> None:
        """Take what the parts of this run are set to."""
        self._made_with = dict(settings)

    @property
    def digest(self) -> str:
        """A short name of the settings of this run."""
        return hashlib.sha256(json.dumps(self._made_with, sort_keys=True).encode()).hexdigest()[:16]

    def note(self, patient: str, files: Sequence[str]) -> None:
        """Note that a patient is finished.

        Args:
            patient: name of the patient.
            files: the files of its results.
        """
        described = self._settings_file(self.digest)
        if not described.is_file():
            write_json(described, self._made_with)
        note = {
            "made_with": self.digest,
            "sources": self._sources.get(patient, {}),
            "files": {os.path.relpath(file, self.output_dir): file_state(file) for file in files},
        }
        write_json(self._note(patient), note)

    def take_over(self, record: Mapping[str, Any]) -> list[str] | None:
        """Find a patient that an earlier run has finished, from the same files, with the same settings.

        Args:
            record: "patient" and the paths of its files.

        Returns:
            the files of the results, or None when one is missing or was changed since.
        """
        patient = record["patient"]
        self._sources[patient] = source_states(record)
        self._patients.add(patient)
        if not self.resume:
            return None
        try:
            note = read_json(self._note(patient))
            files = {str(self.output_dir / file): state for file, state in note["files"].items()}
            for folder in {os.path.dirname(file) for file in files}:
                recover(folder)
            if files != {file: file_state(file) for file in files}:
                return None
            made_with, sources = note["made_with"], note["sources"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if made_with != self.digest:
            if made_with not in self._noticed:
                self._noticed.append(made_with)
                logging.getLogger(__name__).info(
                    f"{patient} was made with other settings{self._difference(made_with)}; it is made again."
                )
            return None
        if not same_as_json(sources, self._sources[patient]):
            logging.getLogger(__name__).info(f"{patient}: its files were changed since; it is made again.")
            return None
        return list(files)

    def others(self) -> list[str]:
        """Name patients in the folder that this run did not process, and that were made with other settings."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                note = read_json(path)
                other = note["made_with"] != self.digest
                there = any((self.output_dir / file).exists() for file in note["files"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if other and there:
                found.append(path.stem)
        mine = {file_name(patient) for patient in self._patients}
        return [name for name in found if name not in mine]

    def _note(self, patient: str) -> Path:
        return self.folder / f"{file_name(patient)}.json"

    def _settings_file(self, digest: Any) -> Path:
        return self.folder / _SETTINGS / f"{digest}.json"

    def _difference(self, digest: Any) -> str:
        try:
            before = read_json(self._settings_file(digest))
            changed = changed_settings(before, self._made_with)
        except (OSError, ValueError, AttributeError, TypeError):
            return ""
        return f" ({', '.join(changed[:3])}{' and others' if len(changed) > 3 else ''})" if changed else ""


def file_state(path: str | os.PathLike[str]) -> list[int]:
    """Size and time of change of a file."""
    state = Path(path).stat()
    return [state.st_size, state.st_mtime_ns]


def source_states(record: Mapping[str, Any]) -> dict[str, list[int]]:
    """Size and time of change of a patient's files, by what they show."""
    return {key: file_state(path) for key, path in files_of(record).items()}


def same_as_json(kept: Any, now: Any) -> bool:
    """Compare what was read from JSON, where tuples are lists, with what would be written."""
    return kept == json.loads(json.dumps(now))
