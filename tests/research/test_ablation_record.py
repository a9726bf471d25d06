"""The document of the record: begun, brought up to date, and what it says of the limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from fusioninn_research.ablation_record import AblationRecord, limit_words, trade_words
from fusioninn_research.ablation_table import AblationTable
from fusioninn_research.cells import cells_of
from fusioninn_research.coding_limit import CodingLimit
from fusioninn_research.grid import Budget, Grid
from fusioninn_research.made_with import layered
from fusioninn_research.trade import TradeCurve
from scripts.data.discovery import find_patients

RESEARCH = Path(__file__).parents[2] / "research" / "configs"
SOURCES = ["t1gd", "flair"]
LIMIT = {
    "slices": 3,
    "widths": [0.0, 0.25, 1.0, 4.0],
    "fused": [0.8, 0.8, 0.798, 0.79],
    "seen": [9.0, 7.0, 5.0, 3.0],
    "ceiling": 0.8,
    "targets": [0.8, 0.955, 0.985],
    "needed": [2.0, 4.0, 6.0],
    "lossless": {f"{of} {form}": 5.0 for of in ("sources", "fused") for form in ("PNG", "JPEG 2000")},
}


@pytest.fixture(scope="module")
def parser() -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(RESEARCH / "reproduce.json"), str(RESEARCH / "ablations.json")])
    return parser


def test_every_change_is_of_a_key_that_the_training_has(parser):
    configs = ["train.json", "methods/fusioninn.json", *parser["settings"]["open"]["configs"]]
    known = layered(configs, {})
    for row in parser["rows"]:
        assert all(key in known for key in row.get("overrides", {}))
        assert row.get("group") in parser["groups"]


def test_every_row_is_a_cell_of_its_own(parser):
    names = [cells_of(row, [0])[0].name for row in parser["rows"]]
    assert len(set(names)) == len(names)
    assert {parser["base"], *parser["trade_rows"], "Ceiling"} <= {row["name"] for row in parser["rows"]}


def test_the_measurement_is_the_same_for_all_rows(parser):
    content = ConfigParser(parser.get()).get_parsed_content("settings")["open"]["evaluation"]
    assert content == {"slice_step": 4, "metrics": False, "latent": "zeros"}


def test_a_document_is_begun_and_its_measured_parts_are_replaced(cohort, tmp_path):
    grid = Grid(str(cohort / "data"), str(tmp_path), Budget("open"), str(cohort / "split.json"), None, None, False)
    rows = [{"name": "base", "group": "k", "method": "fusioninn", "training": ["train.json"]}]
    table = AblationTable(
        rows,
        "base",
        {"k": "Blocks"},
        grid,
        [0],
        only="base",
        name="a",
        title="Record",
        columns={"fused_brain": "fused"},
    )
    grid.train = grid.evaluate = False
    patients = find_patients(str(cohort / "data"), SOURCES)[:1]
    trade = TradeCurve(table.rows, ["base"], patients, [8, "float32"], SOURCES)
    limit = CodingLimit(patients, grid.folder, SOURCES, slice_step=6, ceiling_steps=1)
    document, kept = tmp_path / "doc.md", tmp_path / "figures.csv"
    record = AblationRecord(table, trade, limit, document=str(document), figures_file=str(kept))
    record.run()
    text = document.read_text()
    assert text.startswith("# Record\n\nFor research use only.")
    assert "- Not run: base." in text
    assert "### Blocks" not in text
    assert "None of the weights is trained." in text
    assert "An estimate from 1 slices" in text
    assert kept.read_bytes() == (grid.folder / "a.csv").read_bytes()
    document.write_text(text.replace("## Where", "What I say.\n\n## Where"))
    record.run()
    assert "What I say.\n\n## Where" in document.read_text()
    assert document.read_text().count("- Not run: base.") == 1


def test_the_limit_tells_what_each_depth_holds():
    told = limit_words(LIMIT, [6, 8, 10])
    assert "| both sources, to an SSIM of 0.955 inside the brain | 4.0 |" in told
    assert "| 6 | – | – | rounding alone costs more |" in told
    assert "| 8 | 0.5 | 5.0 | 0.970 |" in told
    assert "| 10 | 2.5 | 7.0 | ≥ 0.985 |" in told


def test_the_trade_is_a_table_of_depths():
    points = [
        {"weights": "base", "stored": depth, "fused_brain": 0.76, "decomposed_brain": value}
        for depth, value in ((8, 0.9), ("float32", 0.95))
    ]
    told = trade_words(points, {"base": "0.65"}, 0.75, 0.8, "images/trade.png")
    assert "(images/trade.png)" in told
    assert "Fused: plain mean 0.750, ceiling 0.800." in told
    assert "| 0.65 | 0.760 | 95.0 % | 0.900 | 0.950 |" in told
