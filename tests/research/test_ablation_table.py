"""Table 2: the paper's figures, the cells of its rows, gaps and tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from fusioninn_research.ablation_table import AblationTable
from fusioninn_research.grid import Budget, Grid
from fusioninn_research.results import RowResult

RESEARCH = Path(__file__).parents[2] / "research" / "configs"

# Table 2 of the paper: fused T1-Gd and FLAIR, decomposed T1-Gd and FLAIR.
PAPER = {
    "α = 0.2": [0.903, 0.929, 0.930, 0.930],
    "α = 0.5": [0.921, 0.933, 0.976, 0.972],
    "α = 0.8": [0.926, 0.933, 0.927, 0.920],
    "α = 1.0": [0.948, 0.898, 0.033, 0.004],
    "λ = 0.8": [0.921, 0.933, 0.976, 0.972],
    "λ = 0.9": [0.925, 0.929, 0.974, 0.974],
    "λ = 0.99": [0.915, 0.928, 0.969, 0.974],
    "λ = 0.999": [0.935, 0.923, 0.937, 0.920],
    "k = 1": [0.914, 0.943, 0.151, 0.093],
    "k = 2": [0.935, 0.923, 0.945, 0.928],
    "k = 3": [0.921, 0.933, 0.976, 0.972],
    "k = 4": [0.923, 0.936, 0.937, 0.939],
    "z = 0": [0.918, 0.930, 0.932, 0.928],
    "z = N(0, I)": [0.921, 0.933, 0.976, 0.972],
    "z = U[0, 1)": [0.924, 0.925, 0.958, 0.954],
    "z = 1": [0.916, 0.929, 0.967, 0.969],
}
COLUMNS = ["fused_t1gd_slice", "fused_flair_slice", "decomposed_t1gd_slice", "decomposed_flair_slice"]


@pytest.fixture(scope="module")
def parser() -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(RESEARCH / "reproduce.json"), str(RESEARCH / "table2.json")])
    return parser


@pytest.fixture
def table(parser, cohort, tmp_path) -> AblationTable:
    grid = Grid(
        str(cohort / "data"), str(tmp_path), Budget("small"), str(cohort / "split.json"), train=False, evaluate=False
    )
    return AblationTable(parser["rows"], parser["base"], parser["groups"], grid, [0])


def result(value: float) -> RowResult:
    row = {
        f"{what}_{source}_{region}": value
        for what in ("fused", "decomposed")
        for source in ("t1gd", "flair")
        for region in ("slice", "brain")
    }
    return RowResult.of(
        {0: {f"P{i}": {name: v + i * 1e-3 for name, v in row.items()} for i in range(8)}}, None, 20, 0.1
    )


def test_the_paper_s_figures_are_the_paper_s(parser):
    assert {row["name"]: list(row["paper"].values()) for row in parser["rows"]} == PAPER
    assert list(parser["rows"][0]["paper"]) == COLUMNS


def test_sixteen_rows_are_thirteen_cells(table):
    names = {cell.name for cells in table.rows.cells.values() for cell in cells}
    assert len(table.rows.cells) == 16
    assert len(names) == 13
    assert "fusioninn_alpha-0.5_blocks-3_lam-0.8_latent-normal" in names
    assert table.rows.cells["α = 1.0"][0].name == "fusioninn_alpha-1.0_blocks-3_lam-0.8_latent-normal"
    assert table.rows.cells["z = 1"][0].name == "fusioninn_alpha-0.5_blocks-3_lam-0.8_latent-ones"


def test_without_a_run_the_table_has_no_rows(table, tmp_path):
    table.run()
    markdown = (tmp_path / "small" / "table2.md").read_text()
    assert "- Not run: α = 0.2; α = 0.5; " in markdown
    assert "| --- |" not in markdown
    assert json.loads((tmp_path / "small" / "table2.json").read_text())["figures"] == []


def test_rows_are_tested_against_the_base_and_their_order_is_compared(table, tmp_path):
    results = {name: RowResult(gap="not run") for name in table.rows.cells}
    results |= {name: result(0.9) for name in ("α = 0.5", "λ = 0.8", "k = 3", "z = N(0, I)")}
    results |= {"k = 1": result(0.2), "k = 2": result(0.95)}
    table.write(results)
    content = json.loads((tmp_path / "small" / "table2.json").read_text())
    decomposed = content["orderings"]["k"]["decomposed_t1gd_slice"]
    assert decomposed["hold"] == [["k = 2", "k = 1"], ["k = 3", "k = 1"]]
    assert decomposed["reverse"] == [["k = 3", "k = 2"]]
    assert len(decomposed["gaps"]) == 3
    tests = {figure["row"]: figure for figure in content["figures"] if figure["figure"] == COLUMNS[2]}
    assert tests["k = 1"]["p"] == pytest.approx(2 / 2**8)
    # 2 rows of 4 columns: the base, which stands in every group, is not tested against itself.
    assert tests["k = 1"]["p_holm"] == pytest.approx(8 * 2 / 2**8)
    assert tests["α = 0.5"]["p"] is None
    assert "| 1 | 0.204 ± 0.002 [0.914] |" in (tmp_path / "small" / "table2.md").read_text()


class TestARecordOfOtherChanges:
    """Columns of its own, no paper, a base that belongs to no group, and shares of a ceiling."""

    ROWS = (
        {"name": "base", "method": "fusioninn", "training": ["train.json"]},
        {
            "name": "α = 0.9",
            "group": "α",
            "value": "0.9",
            "method": "fusioninn",
            "training": ["train.json"],
            "overrides": {"alpha": 0.9},
        },
        {"name": "α = 1", "group": "α", "method": "fusioninn", "training": ["train.json"], "overrides": {"alpha": 1}},
        {"name": "k = 9", "group": "k", "method": "fusioninn", "training": ["train.json"], "overrides": {"blocks": 9}},
        {"name": "old", "group": "old", "method": "fusioninn", "training": ["train.json"], "overrides": {"lam": 0.9}},
        {"name": "old, k = 1", "group": "old", "method": "fusioninn", "training": ["train.json"], "cell": "old1"},
        {"name": "ceiling", "group": "limits", "method": "ceiling", "remark": "optimised directly."},
    )

    @pytest.fixture
    def markdown(self, cohort, tmp_path) -> str:
        grid = Grid(
            str(cohort / "data"),
            str(tmp_path),
            Budget("open"),
            str(cohort / "split.json"),
            train=False,
            evaluate=False,
            training_dir=str(tmp_path / "theirs"),
        )
        table = AblationTable(
            self.ROWS,
            "base",
            {"α": "Weight α", "k": "Blocks", "old": "Old base", "limits": "Limits"},
            grid,
            [0],
            name="ablations",
            title="Ablation record",
            about="SSIM.",
            columns={"fused_brain": "fused, brain", "fused_brain_share": "of the ceiling"},
            tested=["fused_brain"],
            bases={"old": "old"},
            ceiling="ceiling",
        )
        scores = {"base": 0.6, "α = 0.9": 0.7, "old": 0.5, "old, k = 1": 0.45, "ceiling": 0.8}
        results = {name: RowResult(gap="not run") for name in ("α = 1", "k = 9")}
        for name, value in scores.items():
            figures = {f"P{i}": {"fused_brain": value + i * 2e-3} for i in range(8)}
            results[name] = RowResult.of({0: figures}, None, 20, 0.1)
        table.write(results)
        return (tmp_path / "open" / "ablations.md").read_text()

    def test_the_base_stands_first_in_every_group(self, markdown):
        assert markdown.count("| base | 0.607 ± 0.005 | 0.752 ± 0.002 | – |") == 2
        assert "| 0.9 | 0.707 ± 0.005 | 0.876" in markdown

    def test_rows_that_are_not_run_are_named_above_and_not_shown(self, markdown):
        assert "- Not run: α = 1; k = 9." in markdown
        assert "| α = 1 |" not in markdown
        assert "Blocks" not in markdown

    def test_only_chosen_columns_are_tested(self, markdown):
        # 4 tests with 8 equal signs each.
        assert "| 0.9 | **+0.1000 [+0.1000, +0.1000], p = 0.031** |\n" in markdown

    def test_a_group_may_have_another_base(self, markdown):
        part = markdown.partition("## Old base")[2].partition("## ")[0]
        assert "Against old: " in part
        assert "| old, k = 1 | **-0.0500 [-0.0500, -0.0500], p = 0.031** |" in part
        assert "| base |" not in part

    def test_the_paper_is_not_spoken_of(self, markdown):
        assert markdown.startswith("# Ablation record\n")
        assert "paper" not in markdown.lower()

    def test_it_says_what_was_trained_on_and_a_row_s_remark(self, markdown):
        assert "- Data: data, and for training all patients of theirs; measured on 8 validation patients" in markdown
        assert "- Training: nothing is trained yet." in markdown
        assert "ceiling: optimised directly." in markdown
