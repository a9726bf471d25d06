"""The tables of an evaluation: per slice, per patient, and in sum."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine

from scripts import RESEARCH_NOTICE
from scripts.outputs.tables import deviation_of, known, mean_of, write_csv, write_json

from .checkpoints import is_true

FINISHED = "finished"
"""Folder below that of the tables that holds the figures of every finished patient."""

PLACES = 6
"""Decimal places of the figures."""


class EvaluationTables:
    """Collect the figures of all patients; write them per slice, per patient, and in sum.

    ``slices.csv``, ``patients.csv`` and ``summary.json`` are brought up to date after every patient. The figures of
    each patient are kept in ``finished/<patient>.json`` too, with what they were measured with and on: a run that goes
    on after it was killed takes them over.

    Args:
        output_dir: folder for the tables.
        settings: what was measured, kept in the summary. Patients that were measured with others are measured again.
        resume: take finished patients over. Defaults to False.
    """

    def __init__(self, output_dir: str, settings: dict[str, Any], resume: bool | str = False) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.settings = settings
        self.resume = is_true(resume)
        self.rows: list[dict[str, Any]] = []
        self.seconds: list[float] = []
        self._files: dict[str, dict[str, list[int]]] = {}

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Add a patient.

        Args:
            data: "patient".
            results: "rows" of figures, one a slice, and "seconds" that fusing took.

        Returns:
            the files written.
        """
        rows = [{name: known(value) for name, value in row.items()} for row in results["rows"]]
        finished = {
            "settings": self.settings,
            "files": self._files.get(data["patient"], {}),
            "seconds": results.get("seconds"),
            "rows": rows,
        }
        write_json(self.output_dir / FINISHED / f"{data['patient']}.json", finished)
        return self._add(data["patient"], rows, results.get("seconds"))

    def take_over(self, record: Mapping[str, Any]) -> list[str] | None:
        """Add a patient that an earlier run has finished, from the same files and with the same settings.

        Args:
            record: a patient of `find_patients`.

        Returns:
            the files written, or None when there is nothing to take over.
        """
        self._files[record["patient"]] = _states(record)
        path = self.output_dir / FINISHED / f"{record['patient']}.json"
        if not self.resume or not path.is_file():
            return None
        try:
            finished = json.loads(path.read_text(encoding="utf-8"))
            origin = [finished["settings"], finished["files"]]
            rows, seconds = finished["rows"], finished["seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # as JSON keeps it, where tuples are lists
        if origin != json.loads(json.dumps([self.settings, self._files[record["patient"]]])):
            logging.getLogger(__name__).info(f"{record['patient']} was measured with other settings: measuring again.")
            return None
        return self._add(record["patient"], rows, seconds)

    def _add(self, patient: str, rows: Sequence[Mapping[str, Any]], seconds: float | None) -> list[str]:
        self.rows += [{"patient": patient, **row} for row in rows]
        self.seconds.append(np.nan if seconds is None else seconds)
        columns = [name for name in self.rows[0] if name not in ("patient", "slice")]
        by_patient: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            by_patient.setdefault(row["patient"], []).append(row)
        patients = [
            {"patient": patient, "slices": len(rows), **_over(rows, columns, mean_of)}
            for patient, rows in by_patient.items()
        ]
        paths = [self.output_dir / name for name in ("slices.csv", "patients.csv", "summary.json")]
        write_csv(paths[0], self.rows, places=PLACES)
        write_csv(paths[1], patients, places=PLACES)
        write_json(paths[2], self._summary(patients, columns))
        return [str(path) for path in paths]

    def _summary(self, patients: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, Any]:
        errors = [row["roundtrip_error"] for row in self.rows if row.get("roundtrip_error") is not None]
        return {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "settings": self.settings,
            "patients": len(patients),
            "slices": len(self.rows),
            "mean_over_slices": _over(self.rows, columns, mean_of),
            "mean_over_patients": _over(patients, columns, mean_of),
            "std_over_patients": _over(patients, columns, deviation_of),
            "largest_roundtrip_error": max(errors) if errors else None,
            "seconds_per_slice": mean_of([sum(self.seconds) / len(self.rows)], PLACES),
        }


class ResumedStep:
    """The iteration of an evaluation that goes on where an earlier one ended.

    Args:
        step: measures the patient of a batch, see `PatientStep`.
        tables: knows which patients are finished.
    """

    def __init__(self, step: Callable[[Engine, Sequence[Any]], dict[str, Any]], tables: EvaluationTables) -> None:
        self.step = step
        self.tables = tables

    def __call__(self, engine: Engine, batch: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Process the one patient of `batch`.

        Returns:
            "patient", and "files" that were written or "problem" that prevented it.
        """
        (record,) = batch
        files = self.tables.take_over(record)
        return self.step(engine, batch) if files is None else {"patient": record["patient"], "files": files}


def _states(record: Mapping[str, Any]) -> dict[str, list[int]]:
    """Size and time of change of a patient's files, by what they show."""
    paths = {key: Path(value) for key, value in record.items() if isinstance(value, str) and key != "patient"}
    states = {key: path.stat() for key, path in sorted(paths.items()) if path.is_file()}
    return {key: [state.st_size, state.st_mtime_ns] for key, state in states.items()}


def _over(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], reduce: Callable[..., float | None]
) -> dict[str, float | None]:
    """Mean or deviation of each column."""
    return {name: reduce([row[name] for row in rows], PLACES) for name in columns}
