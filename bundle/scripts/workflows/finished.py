"""Which patients a run has finished, so that the next goes on with the others."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ignite.engine import Engine

import scripts
from scripts.data.flags import is_true
from scripts.outputs.tables import write_json

NOTES = ".finished"
"""Folder below that of the results that holds the notes. Hidden: results may lie among the sources."""


class Finished(Protocol):
    """What knows which patients are finished."""

    def take_over(self, record: Mapping[str, Any]) -> list[str] | None:
        """Give the files of a patient that an earlier run has finished, or None."""


class ResumedStep:
    """The iteration of an engine that goes on where an earlier run ended.

    Args:
        step: processes the patient of a batch, see `PatientStep`.
        finished: knows which patients are finished.
    """

    def __init__(self, step: Callable[[Engine, Sequence[Any]], dict[str, Any]], finished: Finished) -> None:
        self.step = step
        self.finished = finished

    def __call__(self, engine: Engine, batch: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Process the one patient of `batch`.

        Returns:
            "patient", and "files" that were written or "problem" that prevented it.
        """
        (record,) = batch
        files = self.finished.take_over(record)
        return self.step(engine, batch) if files is None else {"patient": record["patient"], "files": files}


class FinishedFiles:
    """Write the files of a patient, and note that they are written, with what and from what.

    The notes, ``.finished/<name>/<patient>.json`` below the results, are kept while a run lasts and where it ended
    before all patients were processed. One in which nothing failed leaves none.

    Args:
        write: takes what was read and the results to the files written.
        output_dir: folder of the results.
        name: what is done, in a word that can name a folder.
        settings: what it is done with. Patients that were processed with others are processed again.
        resume: leave out finished patients. Defaults to False.
    """

    def __init__(
        self,
        write: Callable[[dict[str, Any], dict[str, Any]], Sequence[str]],
        output_dir: str,
        name: str,
        settings: Mapping[str, Any],
        resume: bool | str = False,
    ) -> None:
        self.write = write
        self.folder = Path(output_dir).expanduser() / NOTES / name
        self.settings = {"version": scripts.__version__, **settings}
        self.resume = is_true(resume)
        self._sources: dict[str, dict[str, list[int]]] = {}

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write a patient, then the note.

        Args:
            data: "patient" and what `write` needs.
            results: what was made of it.

        Returns:
            the files written.
        """
        patient = data["patient"]
        files = list(self.write(data, results))
        note = {
            "settings": self.settings,
            "sources": self._sources.get(patient, {}),
            "files": {file: file_state(file) for file in files},
        }
        write_json(self.folder / f"{patient}.json", note)
        return files

    def take_over(self, record: Mapping[str, Any]) -> list[str] | None:
        """Find a patient that an earlier run has finished, from the same files, with the same settings.

        Args:
            record: "patient" and the paths of its files.

        Returns:
            the files of the results, or None when one is missing or was changed since.
        """
        patient = record["patient"]
        self._sources[patient] = source_states(record)
        if not self.resume:
            return None
        try:
            note = json.loads((self.folder / f"{patient}.json").read_text(encoding="utf-8"))
            if note["files"] != {file: file_state(file) for file in note["files"]}:
                return None
            origin = [note["settings"], note["sources"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not same_as_json(origin, [self.settings, self._sources[patient]]):
            logging.getLogger(__name__).info(f"{patient} was processed with other settings: processing it again.")
            return None
        return list(note["files"])

    def forget(self) -> None:
        """Remove the notes: all patients are finished."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()


def file_state(path: str | os.PathLike[str]) -> list[int]:
    """Size and time of change of a file."""
    state = Path(path).stat()
    return [state.st_size, state.st_mtime_ns]


def source_states(record: Mapping[str, Any]) -> dict[str, list[int]]:
    """Size and time of change of a patient's files, by what they show."""
    told = ("patient", "problem")
    paths = {key: Path(value) for key, value in record.items() if isinstance(value, str) and key not in told}
    return {key: file_state(path) for key, path in sorted(paths.items()) if path.is_file()}


def same_as_json(kept: Any, now: Any) -> bool:
    """Compare what was read from JSON, where tuples are lists, with what would be written."""
    return kept == json.loads(json.dumps(now))
