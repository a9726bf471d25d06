import csv
import json

import pytest

from scripts.cohort.processes import join_processes, leave_processes
from scripts.data.errors import BadInputError
from scripts.evaluation import score_tables
from scripts.evaluation.score_tables import ScoreReport, ScoreTables

SCORES = {"Q_SSIM": 0.5, "Q_FMI": 0.25, "Q_NCIE": 0.8, "Q_XY": 0.75, "Q_P": 0.125}


def add(tables, image, values, names=("ct", "mr"), **more):
    results = {"rows": [], "left_out": [], "without_value": {}, **more}
    results["rows"] = [{"slice": i, **{name: value * factor for name, value in SCORES.items()}} for i, factor in values]
    read = {"patient": image, "source_names": list(names), "decomposed": None, "coloured": ["x.png"]}
    tables({**read, "normalisation": "none", **results})


@pytest.fixture
def tables(tmp_path):
    return ScoreTables(str(tmp_path), {"metrics_variant": "full"})


class TestTables:
    def test_files_weigh_the_same_however_many_slices_they_have(self, tmp_path, tables):
        add(tables, "P1", [(0, 1.0)])
        add(tables, "P2", [(3, 0.5), (4, 0.5), (5, 0.5)])
        tables.write({})
        summary = json.loads((tmp_path / "summary.json").read_text())
        assert (summary["images"], summary["slices"]) == (2, 4)
        assert summary["mean_over_images"]["Q_SSIM"] == 0.375
        assert summary["std_over_images"]["Q_SSIM"] == pytest.approx(0.125 * 2**0.5, abs=1e-8)
        assert summary["luminance_of_colour"] == ["x.png"]
        assert summary["sources_scaled"]["none"]["images"] == 2
        with (tmp_path / "images.csv").open() as file:
            assert [row["slices"] for row in csv.DictReader(file)] == ["1", "3"]

    def test_what_was_left_out_is_told_with_its_reason(self, tmp_path, tables):
        add(tables, "P1", [(0, 1.0)], left_out=[1, 2], without_value={"Q_P": "too small"})
        tables.write({"P2": "no partner"})
        assert json.loads((tmp_path / "summary.json").read_text())["left_out"] == {
            "images": {"P2": "no partner"},
            "slices_with_little_foreground": {"P1": 2},
            "metrics": {"P1": {"Q_P": "too small"}},
        }

    def test_one_file_has_no_deviation(self, tmp_path, tables):
        add(tables, "P1", [(0, 1.0)])
        tables.write({})
        assert json.loads((tmp_path / "summary.json").read_text())["std_over_images"]["Q_P"] is None

    def test_long_runs_are_written_in_between(self, tmp_path, tables, monkeypatch):
        add(tables, "P1", [(0, 1.0)])
        assert not (tmp_path / "scores.csv").exists()
        monkeypatch.setattr(score_tables, "_SECONDS_BETWEEN", -1.0)
        add(tables, "P2", [(0, 1.0)])
        assert len((tmp_path / "scores.csv").read_text().splitlines()) == 3

    def test_the_text_is_a_table_with_the_notice(self, tables):
        add(tables, "P1", [(0, 1.0)], left_out=[1])
        add(tables, "P2", [(0, 0.5)])
        lines = tables.text().splitlines()
        assert lines[0] == "2 image(s), 2 slice(s), variant full; 1 slice(s) with little foreground left out."
        assert lines[2].split() == ["Q_SSIM", "Q_FMI", "Q_NCIE", "Q_XY", "Q_P"]
        assert "0.3750 ± 0.1768" in lines[3]
        assert lines[2].index("Q_FMI") == lines[3].index("0.1875")
        assert lines[-1].startswith("For research use only")


def test_nothing_scored_still_leaves_tables_that_say_why(tmp_path, tables):
    report = ScoreReport(str(tmp_path), tables)
    report.outcomes.append(("P1", "no partner"))
    with pytest.raises(ValueError, match="1 of 1 images could not be processed:\n- P1: no partner"):
        report.bar = type("Bar", (), {"close": lambda self: None})()
        report.finish()
    assert json.loads((tmp_path / "summary.json").read_text())["images"] == 0
    assert (tmp_path / "scores.csv").read_text().splitlines() == ["image,slice,Q_SSIM,Q_FMI,Q_NCIE,Q_XY,Q_P"]


def test_several_processes_are_refused(tmp_path, tables, as_one_of):
    def start() -> str:
        join_processes()
        with pytest.raises(BadInputError) as raised:
            ScoreReport(str(tmp_path), tables).start(None)
        leave_processes()
        return str(raised.value)

    assert (
        as_one_of(2, start)
        == ["fused images can only be scored by a single process. Start the command without torchrun."] * 2
    )
