"""Table 1: the paper's figures, gaps, and a small real one from beginning to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from fusioninn_research.config_paths import config_path, method_config
from fusioninn_research.grid import Budget, Grid
from fusioninn_research.methods_table import MethodsTable
from scripts.data.errors import BadInputError

RESEARCH = Path(__file__).parents[2] / "research" / "configs"

# Table 1 of the paper: Q_SSIM, Q_FMI, Q_NCIE, Q_XY, Q_P.
PAPER = {
    "DeepFuse": [0.927, 0.791, 0.806, 0.449, 0.766],
    "FunFuseAn": [0.930, 0.845, 0.806, 0.481, 0.781],
    "Half-UNet": [0.933, 0.850, 0.805, 0.464, 0.774],
    "UNet": [0.934, 0.835, 0.805, 0.420, 0.711],
    "UNet++": [0.937, 0.849, 0.805, 0.433, 0.739],
    "UNet3+": [0.937, 0.849, 0.805, 0.434, 0.742],
    "DDFM": [0.921, 0.861, 0.806, 0.472, 0.702],
    "FusionINN (published)": [0.927, 0.835, 0.806, 0.493, 0.783],
    "FusionINN (ours)": [0.927, 0.835, 0.806, 0.493, 0.783],
}


@pytest.fixture(scope="module")
def parser() -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(RESEARCH / "reproduce.json"), str(RESEARCH / "table1.json")])
    return parser


class TestConfig:
    def test_the_paper_s_figures_are_the_paper_s(self, parser):
        rows = {row["name"]: list(row["paper"].values()) for row in parser["rows"] if "paper" in row}
        assert rows == PAPER
        assert list(parser["rows"][3]["paper"]) == ["Q_SSIM", "Q_FMI", "Q_NCIE", "Q_XY", "Q_P"]

    def test_the_simple_ones_the_ceiling_and_the_shipped_weights_stand_beside(self, parser):
        others = [row["name"] for row in parser["rows"] if "paper" not in row]
        assert others == ["Plain mean", "Maximum", "Ceiling", "FusionINN (shipped weights)"]

    def test_every_method_has_its_file(self, parser):
        for row in parser["rows"]:
            assert Path(config_path(method_config(row["method"]))).is_file(), row["name"]
            assert all(Path(config_path(name)).is_file() for name in row.get("training", []))

    def test_what_cannot_decompose_is_trained_on_fusion_alone(self, parser):
        alone = [row["name"] for row in parser["rows"] if "research/fusion_only.json" in row.get("training", [])]
        assert alone == ["DeepFuse", "FunFuseAn", "Half-UNet", "UNet", "UNet++", "UNet3+"]

    def test_the_small_setting_is_the_default_and_the_full_one_adds_nothing_to_the_paper_s(self, parser):
        assert parser["setting"] == "small"
        assert parser["settings"]["full"]["configs"] == []


@pytest.mark.usefixtures("in_this_process")
def test_a_table_from_beginning_to_end(cohort, tmp_path):
    """Two methods without training are measured; a third is not run and stands in the caption only."""
    rows = [
        {"name": "Plain mean", "method": "mean", "paper": {"Q_SSIM": 0.9, "Q_XY": 0.4}},
        {"name": "Maximum", "method": "max", "paper": {"Q_SSIM": 0.8}},
        {
            "name": "UNet",
            "method": "unet",
            "training": ["train.json", "research/fusion_only.json"],
            "paper": {"Q_SSIM": 0.95},
        },
    ]
    budget = Budget("small", ("research/small.json",), {"slice_step": 3, "metrics_variant": "both"})
    split = str(cohort / "split.json")
    grid = Grid(str(cohort / "data"), str(tmp_path), budget, split, device="cpu", train=False)
    MethodsTable(rows, "Plain mean", grid, [0]).run()
    markdown = (tmp_path / "small" / "table1.md").read_text()
    assert "SMALL SETTING" in markdown
    assert "measured on 1 validation patients, 2 slices" in markdown
    assert "- Not run: UNet." in markdown
    assert "| UNet |" not in markdown
    assert "too few patients for a p" in markdown
    assert "Q_SSIM: 1 of 1 pairs hold (2 not run)" in markdown

    summary = json.loads((tmp_path / "small" / "mean" / "seed0" / "evaluation" / "summary.json").read_text())
    measured = summary["mean_over_patients"]
    with (tmp_path / "small" / "table1.csv").open(newline="") as file:
        figures = {(row["row"], row["figure"]): row for row in csv.DictReader(file)}
    for name in ("Q_SSIM", "Q_FMI", "Q_NCIE", "Q_XY", "Q_P", "Q_XY_centre", "fused_brain"):
        assert float(figures["Plain mean", name]["mean"]) == measured[name]
    inside = next(line for line in markdown.split("## Inside")[1].splitlines() if line.startswith("| Plain mean"))
    assert inside.split(" | ")[1].startswith(f"{measured['fused_brain']:.3f}")
    assert ("Plain mean", "decomposed_t1gd_slice") not in figures
    assert "UNet" not in {name for name, _ in figures}
    # The paper measures the centre alone.
    assert (figures["Plain mean", "Q_XY"]["paper"], figures["Plain mean", "Q_XY_centre"]["paper"]) == ("", "0.4")
    content = json.loads((tmp_path / "small" / "table1.json").read_text())
    assert content["orderings"]["Q_SSIM"]["hold"] == [["Plain mean", "Maximum"]]
    assert content["rows"]["UNet"]["gap"] == "not run"


def test_a_reference_must_be_a_row(cohort, tmp_path):
    grid = Grid(str(cohort / "data"), str(tmp_path), Budget("small"), str(cohort / "split.json"))
    with pytest.raises(BadInputError, match="There is no row 'ours' to test against. Rows: Plain mean"):
        MethodsTable([{"name": "Plain mean", "method": "mean"}], "ours", grid, [0])
