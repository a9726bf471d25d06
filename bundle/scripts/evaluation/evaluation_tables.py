"""Write the tables of an evaluation: per slice, per patient, and summary."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np

from scripts import RESEARCH_NOTICE
from scripts.cohort.finished import same_as_json, source_states
from scripts.cohort.patients import CohortReport
from scripts.data.flags import is_true
from scripts.data.safe_names import file_name
from scripts.data.schema import read_record
from scripts.outputs.staged import staged
from scripts.outputs.tables import deviation_of, known, mean_of, write_csv, write_json

from .summary_text import summary_text

TABLES = ("slices.csv", "patients.csv", "summary.json")

FINISHED = "finished"
"""Subfolder with the scores of every finished patient."""

PLACES = 6
"""Decimal places of the scores."""

_FIGURES = {
    "type": "object",
    "description": "a JSON object",
    "required": ["settings", "made_with", "files", "seconds", "rows"],
    "properties": {
        "seconds": {"type": ["number", "null"], "description": "a number or null"},
        "rows": {
            "type": "array",
            "minItems": 1,
            "description": "a list of figures, one entry a slice",
            "items": {
                "type": "object",
                "description": "figures by name",
                "additionalProperties": {"type": ["number", "null"], "description": "a number or null"},
            },
        },
    },
}
"""JSON schema of the file of a finished patient."""


class EvaluationTables:
    """Collect the scores of all patients, and write them per slice, per patient and as a summary.

    ``slices.csv``, ``patients.csv`` and ``summary.json`` are updated after every patient, or less often if writing
    takes long. With several processes the first one writes them at the end. The scores of each patient are also kept in
    ``finished/<patient>.json``, with the settings and files that they were measured with, so that an interrupted run
    can be resumed.

    Args:
        output_dir: folder for the tables.
        settings: settings of the evaluation, kept in the summary. Patients measured with other settings are measured
            again.
        resume: reuse the scores of finished patients. Defaults to False.
    """

    def __init__(self, output_dir: str, settings: dict[str, Any], resume: bool | str = False) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.settings = settings
        self.resume = is_true(resume)
        self._measured: dict[str, tuple[Sequence[Mapping[str, Any]], float | None]] = {}
        self._due = 0.0
        self._files: dict[str, dict[str, list[int]]] = {}
        self._made_with: dict[str, str] = {}
        self.summary: dict[str, Any] | None = None

    def made_with(self, settings: Mapping[str, str]) -> None:
        """Record the settings of this run's parts, see `settings_of`."""
        self._made_with = dict(settings)

    def __call__(self, results: Mapping[str, Any]) -> list[str]:
        """Add a patient.

        Args:
            results: "patient", "rows" of scores, one per slice, and "seconds" for fusion.

        Returns:
            the files written.
        """
        patient = results["patient"]
        rows = [{name: known(value) for name, value in row.items()} for row in results["rows"]]
        finished = {
            "settings": self.settings,
            "made_with": self._made_with,
            "files": self._files.get(patient, {}),
            "seconds": results.get("seconds"),
            "rows": rows,
        }
        write_json(self._finished(patient), finished)
        return self._add(patient, rows, results.get("seconds"))

    def take_over(self, record: Mapping[str, Any]) -> list[str] | None:
        """Add a patient finished by an earlier run with the same files and settings.

        Args:
            record: a patient of `find_patients`.

        Returns:
            the files written, or None if the patient has not been finished.
        """
        self._files[record["patient"]] = source_states(record)
        if not self.resume:
            return None
        try:
            finished = read_record(self._finished(record["patient"]), _FIGURES)
            origin = [finished["settings"], finished["made_with"], finished["files"]]
            rows, seconds = finished["rows"], finished["seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not same_as_json(origin, [self.settings, self._made_with, self._files[record["patient"]]]):
            logging.getLogger(__name__).info(f"{record['patient']} was measured with other settings: measuring again.")
            return None
        return self._add(record["patient"], rows, seconds)

    def note(self, patient: str, files: Sequence[str]) -> None:
        """Nothing to do: the figures of a patient are its note."""

    def complete(self, patients: Sequence[str]) -> None:
        """Write the tables of all patients, including those of other processes.

        Args:
            patients: the measured patients, in the order of the cohort.
        """
        for patient in patients:
            if patient not in self._measured:
                finished = read_record(self._finished(patient), _FIGURES)
                self._keep(patient, finished["rows"], finished["seconds"])
        self._measured = {patient: self._measured[patient] for patient in patients}
        if patients:
            self._write()

    def _finished(self, patient: str) -> Path:
        return self.output_dir / FINISHED / f"{file_name(patient)}.json"

    def _add(self, patient: str, rows: Sequence[Mapping[str, Any]], seconds: float | None) -> list[str]:
        self._keep(patient, rows, seconds)
        # With several processes the first one writes the tables at the end. In large cohorts the tables of the patients
        # so far take long to write.
        if idist.get_rank() == 0 and time.monotonic() >= self._due:
            self._write()
        return [str(self.output_dir / name) for name in TABLES]

    def _keep(self, patient: str, rows: Sequence[Mapping[str, Any]], seconds: float | None) -> None:
        self._measured[patient] = ([{"patient": patient, **row} for row in rows], seconds)

    def _write(self) -> None:
        start = time.monotonic()
        rows = [row for rows, _ in self._measured.values() for row in rows]
        columns = [name for name in rows[0] if name not in ("patient", "slice")]
        patients = [
            {"patient": patient, "slices": len(rows), **_over(rows, columns, mean_of)}
            for patient, (rows, _) in self._measured.items()
        ]
        self.summary = self._summary(rows, patients, columns)
        with staged(self.output_dir) as stage:
            paths = [stage / name for name in TABLES]
            write_csv(paths[0], rows, places=PLACES)
            write_csv(paths[1], patients, places=PLACES)
            write_json(paths[2], self.summary)
        now = time.monotonic()
        self._due = now + (20 * (now - start) if now - start > 1 else 0)

    def _summary(
        self, rows: Sequence[Mapping[str, Any]], patients: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> dict[str, Any]:
        errors = [row["roundtrip_error"] for row in rows if row.get("roundtrip_error") is not None]
        seconds = sum(np.nan if one is None else one for _, one in self._measured.values())
        return {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "settings": self.settings,
            "patients": len(patients),
            "slices": len(rows),
            "mean_over_slices": _over(rows, columns, mean_of),
            "mean_over_patients": _over(patients, columns, mean_of),
            "std_over_patients": _over(patients, columns, deviation_of),
            "largest_roundtrip_error": max(errors) if errors else None,
            "seconds_per_slice": mean_of([seconds / len(rows)], PLACES),
        }


class EvaluationReport(CohortReport):
    """Show a progress bar, and write the tables of all patients of all processes at the end.

    Args:
        name: name of the task, shown before the bar.
        output_dir: folder of the tables.
        tables: collects the scores.
    """

    def __init__(self, name: str, output_dir: str, tables: EvaluationTables) -> None:
        super().__init__(name, output_dir)
        self.tables = tables

    def tell(self) -> None:
        """Write the tables, then report the means and the outcome.

        Raises:
            BadInputError: when a patient failed; the message names each.
        """
        self.tables.complete(self.finished_patients)
        if self.tables.summary is not None:
            self.logger.info(summary_text(self.tables.summary))
        super().tell()


def _over(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], reduce: Callable[..., float | None]
) -> dict[str, float | None]:
    """Return the mean or deviation of each column."""
    return {name: reduce([row[name] for row in rows], PLACES) for name in columns}
