"""The trials of the second network, drawn from their table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from PIL import Image

from fusioninn_research.trials_figure import LABELS, TAKEN, draw_trials

DOCS = Path(__file__).resolve().parents[2] / "research" / "docs"


def test_the_table_holds_every_trial_of_the_document():
    trials = pd.read_csv(DOCS / "tables" / "multiscale_trials.csv")
    text = (DOCS / "multiscale.md").read_text(encoding="utf-8").replace("**", "")
    for row in trials.itertuples():
        start = text.index(f"| {row.trial} | ")
        shown = text[start : text.index("\n", start)].replace("−", "-")
        assert f"| {row.fused_less_mean:.4f} | {row.t1gd_16:.3f} / {row.flair_16:.3f} |" in shown, row.trial
        assert shown.endswith(f"| {row.noise:.3f} | {row.pattern:.2f} / {row.pattern_worst:.2f} |"), row.trial
    assert {*LABELS, TAKEN} <= set(trials["trial"])


def test_the_figure_is_drawn(tmp_path):
    draw_trials(pd.read_csv(DOCS / "tables" / "multiscale_trials.csv"), tmp_path / "trials.png")
    with Image.open(tmp_path / "trials.png") as picture:
        assert picture.size == (1800, 860)
