"""Tables with known results, and results reused from a killed run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scripts.cohort.patients import PatientStep
from scripts.evaluation.evaluation_tables import EvaluationTables


class TestTables:
    @pytest.fixture
    def tables(self, tmp_path):
        tables = EvaluationTables(str(tmp_path / "tables"), {"fused_dtype": "uint8"})
        for patient, scores in {"A": (0.9, 0.8, 0.7), "B": (0.5,)}.items():
            rows = [
                {"slice": i, "fused_slice": s, "fused_lesion": np.nan if i else 0.6, "roundtrip_error": s / 100}
                for i, s in enumerate(scores)
            ]
            tables({"patient": patient, "rows": rows})
        return tmp_path / "tables"

    def read(self, path):
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    def test_every_slice_has_a_row_and_what_is_not_there_an_empty_cell(self, tables):
        rows = self.read(tables / "slices.csv")
        assert [(row["patient"], row["slice"], row["fused_lesion"]) for row in rows] == [
            ("A", "0", "0.600000"),
            ("A", "1", ""),
            ("A", "2", ""),
            ("B", "0", "0.600000"),
        ]
        assert "nan" not in (tables / "slices.csv").read_text().lower()

    def test_every_patient_has_the_mean_of_its_slices(self, tables):
        rows = self.read(tables / "patients.csv")
        assert [(row["patient"], row["slices"], row["fused_slice"]) for row in rows] == [
            ("A", "3", "0.800000"),
            ("B", "1", "0.500000"),
        ]

    def test_means_over_slices_and_over_patients_are_told_apart(self, tables):
        summary = json.loads((tables / "summary.json").read_text())
        assert (summary["patients"], summary["slices"]) == (2, 4)
        assert summary["mean_over_slices"]["fused_slice"] == pytest.approx(0.725)
        assert summary["mean_over_patients"]["fused_slice"] == pytest.approx(0.65)
        assert summary["std_over_patients"]["fused_slice"] == pytest.approx(0.212132)
        assert summary["largest_roundtrip_error"] == pytest.approx(0.009)
        assert summary["settings"] == {"fused_dtype": "uint8"}

    def test_a_column_without_any_value_is_null(self, tmp_path):
        tables = EvaluationTables(str(tmp_path), {})
        tables({"patient": "A", "rows": [{"slice": 0, "fused_lesion": np.nan, "roundtrip_error": 0.0}]})
        assert json.loads((tmp_path / "summary.json").read_text())["mean_over_slices"]["fused_lesion"] is None
        assert self.read(tmp_path / "patients.csv")[0]["fused_lesion"] == ""

    def test_what_another_process_measured_is_brought_in_where_it_belongs(self, tables):
        order = [(row["patient"], row["slice"]) for row in self.read(tables / "slices.csv")]
        assert [patient for patient, _ in order] == ["A", "A", "A", "B"]
        first = EvaluationTables(str(tables), {"fused_dtype": "uint8"})
        row = {"slice": 7, "fused_slice": 0.1, "fused_lesion": np.nan, "roundtrip_error": 0.0}
        first({"patient": "B", "rows": [row]})
        first.complete(["A", "B"])
        assert [(row["patient"], row["slice"]) for row in self.read(tables / "slices.csv")] == [
            *order[:3],
            ("B", "7"),
        ]


class TestResuming:
    @pytest.fixture
    def records(self, write_patient, tmp_path):
        return [write_patient(tmp_path / "data", name, shape=(12, 12, 4)) for name in ("A", "B")]

    @pytest.fixture
    def evaluate(self, tmp_path, records) -> Callable[..., tuple[list[str], EvaluationTables]]:
        """Return a function that evaluates both patients, or `stop` of them, and returns which were measured."""

        def run(resume: bool = True, stop: int = 2, **settings):
            measured = []
            tables = EvaluationTables(str(tmp_path / "tables"), {"latent": "zeros", "seed": 0, **settings}, resume)

            def measure(network, record):
                measured.append(record["patient"])
                rows = [{"slice": 3, "fused_slice": 0.1 + 0.2, "fused_lesion": np.nan, "roundtrip_error": 0.0}]
                return {"patient": record["patient"], "rows": rows, "seconds": 1.5}

            step = PatientStep([], inferer=measure, write=tables, finished=tables)
            for record in records[:stop]:
                assert "problem" not in step(SimpleNamespace(network=torch.nn.Identity()), [record])
            return measured, tables

        return run

    def files(self, tmp_path):
        return [(tmp_path / "tables" / name).read_text() for name in ("slices.csv", "patients.csv", "summary.json")]

    def test_finished_patients_are_not_measured_again_and_the_tables_are_the_same(self, evaluate, tmp_path):
        assert evaluate(resume=False)[0] == ["A", "B"]
        before = self.files(tmp_path)
        assert evaluate()[0] == []
        assert self.files(tmp_path) == before

    def test_the_others_are_measured(self, evaluate, tmp_path):
        evaluate(stop=1)
        assert evaluate()[0] == ["B"]
        summary = json.loads((tmp_path / "tables" / "summary.json").read_text())
        assert (summary["patients"], summary["seconds_per_slice"]) == (2, 1.5)

    def test_without_being_asked_nothing_is_taken_over(self, evaluate):
        evaluate()
        assert evaluate(resume=False)[0] == ["A", "B"]

    def test_other_settings_are_measured_again(self, evaluate):
        evaluate()
        assert evaluate(seed=1)[0] == ["A", "B"]

    def test_a_changed_image_is_measured_again(self, evaluate, write_patient, tmp_path):
        evaluate()
        write_patient(tmp_path / "data", "B", shape=(12, 12, 4), dtype="float32")
        assert evaluate()[0] == ["B"]

    def test_a_half_written_file_is_measured_again(self, evaluate, tmp_path):
        evaluate()
        path = tmp_path / "tables" / "finished" / "A.json"
        path.write_text(path.read_text()[:50])
        assert evaluate()[0] == ["A"]
