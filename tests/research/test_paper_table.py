"""What the tables have in common: the reference must be there, and the files say how they were made."""

from __future__ import annotations

import json

import pytest

from fusioninn_research.grid import Budget, Grid
from fusioninn_research.paper_table import PaperTable
from fusioninn_research.results import RowResult
from scripts.data.errors import BadInputError

ROWS = [{"name": "Plain mean", "method": "mean", "paper": {"Q": 0.5}}, {"name": "Maximum", "method": "max"}]
RESULT = RowResult.of({seed: {"P": {"Q": 0.25 + seed}, "R": {"Q": 0.75 + seed}} for seed in (0, 1)}, None, 3)


class Smallest(PaperTable):
    TITLE = "Table 0: nothing new"

    def write(self, results):
        self.write_files([self.caption(results)], results, ["Q"], {}, self.paper, {"more": 1}, told="Q")


def table(tmp_path, reference="Plain mean") -> Smallest:
    grid = Grid("patients", str(tmp_path), Budget("small"), train=False, evaluate=False)
    return Smallest(ROWS, reference, grid, [0], ["t1gd", "flair"], None, "table0")


def test_a_reference_that_is_no_row_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="There is no row 'Mean' to test against. Rows: Plain mean, Maximum"):
        table(tmp_path, "Mean")


def test_the_files_hold_the_figures_and_how_they_were_made(tmp_path):
    table(tmp_path).write({"Plain mean": RESULT, "Maximum": RowResult(gap="not run")})
    content = json.loads((tmp_path / "small" / "table0.json").read_text())
    assert (content["setting"], content["data"], content["seeds"], content["more"]) == ("small", "patients", [0], 1)
    assert "research use only" in content["ResearchUseOnly"]
    assert [(row["row"], row["mean"], row["paper"], row["p"]) for row in content["figures"]] == [
        ("Plain mean", 1.0, 0.5, None)
    ]
    assert content["rows"]["Maximum"]["gap"] == "not run"
    assert (tmp_path / "small" / "table0.md").read_text().startswith("# Table 0: nothing new")
    assert (tmp_path / "small" / "table0.csv").read_text().splitlines()[0].startswith("row,figure,patients")


def test_rows_that_were_not_run_are_named(tmp_path):
    table(tmp_path).run()
    assert "- Not run: Plain mean; Maximum." in (tmp_path / "small" / "table0.md").read_text()


def test_means_and_spreads_over_seeds():
    assert PaperTable.mean(RESULT, "Q") == 1.0
    assert PaperTable.mean(RowResult(gap="failed"), "Q") is None
    assert PaperTable.over_seeds(RESULT, "Q") == "± 0.7071"
    assert PaperTable.over_seeds(RowResult(gap="failed"), "Q") == "–"
