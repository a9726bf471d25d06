"""Tables of figures that are known."""

from __future__ import annotations

import csv
import json

import pytest

from fusioninn_research.out_of_distribution_tables import markdown, summarise, write_tables
from scripts.metrics import FUSION_METRICS

KINDS = {"CT-MRI": ["CT", "MRI"]}


def row(picture, value, first="CT", second="MRI"):
    scores = {f"{method}_{name}": value for method in ("network", "mean", "max") for name in FUSION_METRICS}
    scores |= {f"{name}_{of}": value for name in ("SSIM", "SSIM_head", "PSNR", "correlation") for of in ("CT", "MRI")}
    return {"kind": "CT-MRI", "first": first, "second": second, "picture": picture, "stored": "grey", **scores}


ROWS = [
    *(row(picture, value) for picture, value in (("1", 0.5), ("2", 0.25), ("3", 0.75))),
    row("1", 0.125, "MRI", "CT"),
]


def test_groups_have_mean_spread_and_worst_pair():
    both = {group["first"]: group for group in summarise(ROWS)}
    assert both["CT"]["pairs"] == 3
    assert both["CT"]["mean"]["network_Q_XY"] == pytest.approx(0.5)
    assert both["CT"]["std"]["network_Q_XY"] == pytest.approx(0.25)
    assert (both["CT"]["worst_pair"], both["CT"]["worst_SSIM_head"]) == ("2", 0.25)
    assert both["MRI"]["std"]["SSIM_CT"] == 0


def test_the_worst_pair_is_that_of_the_worse_of_both_sources():
    rows = [row("1", 0.5), row("2", 0.5), row("3", 0.5)]
    rows[1]["SSIM_head_MRI"] = 0.4
    rows[2]["SSIM_head_CT"] = 0.3
    assert summarise(rows)[0]["worst_pair"] == "3"


def test_markdown_shows_both_orders_of_the_network_and_one_of_what_has_none():
    lines = markdown(ROWS, KINDS).splitlines()
    methods = [line.split(" | ")[1] for line in lines if line.startswith("| CT-MRI") and line.count("|") == 8]
    assert methods == ["network, CT first", "network, MRI first", "mean", "max"]
    assert (
        "| CT-MRI | CT first | grey | CT | 0.500 ± 0.250 | 0.500 ± 0.250 | 0.5 ± 0.2 | 0.500 ± 0.250 | 2 (0.250) |"
        in lines
    )
    assert not any("Colour" in line for line in lines)


def test_colour_has_a_table_of_its_own_where_there_is_some():
    names = ("colour_levels", "colour_seen", "carried_colour_levels", "carried_colour_seen")
    coloured = {**row("1", 0.5), "stored": "colour", **dict(zip(names, (1.0, 2.0, 3.0, 4.0), strict=True))}
    lines = markdown([*ROWS, coloured], KINDS).splitlines()
    assert "### Colour of the decomposed picture, in the head" in lines
    assert lines[-1] == "| CT-MRI | CT first | 1.0 ± 0.0 | 2.0 ± 0.0 | 3.0 ± 0.0 | 4.0 ± 0.0 |"
    assert sum(line.startswith("| CT-MRI | CT first | colour |") for line in lines) == 2


def test_files_hold_every_figure(tmp_path):
    write_tables(tmp_path, ROWS, KINDS, {"seed": 0})
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[1]["picture"] == "2"
    assert float(rows[1]["max_Q_P"]) == 0.25
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["settings"] == {"seed": 0}
    assert summary["ResearchUseOnly"].startswith("For research use only")
    assert (tmp_path / "tables.md").read_text().startswith("### Fused")
