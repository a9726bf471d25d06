"""The scorecard of the phantom, by its command; and what is told when something is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from fusioninn_research.scorecard import Scorecard, read_table
from fusioninn_research.scorecard_pairs import UnseenPairs
from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.networks.weights import fingerprint

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"
RESEARCH = Path(__file__).resolve().parents[2] / "research" / "configs"
TABLE = "row,figure,mean,patients,slices\nPlain mean,Q_XY,0.8,1,2\nPlain mean,Q_P,0.9,1,2\nOurs,Q_XY,0.99,1,2\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table1.csv"
    path.write_text(TABLE)
    return path


def command(folder, **overrides):
    """The command, with a small untrained network."""
    if not (folder / "model.pt").exists():
        torch.save(FusionINN(hidden_channels=4).state_dict(), folder / "model.pt")
    files = [str(CONFIGS / "evaluate.json"), str(RESEARCH / "scorecard.json")]
    settings = {
        "ckpt_path": str(folder / "model.pt"),
        "network_def": {"_target_": "scripts.networks.FusionINN", "hidden_channels": 4},
        "output_dir": str(folder / "out"),
        "device": "cpu",
        "slice_step": 16,
        "draws": 2,
        "ceiling_every": 8,
        "ceiling_steps": 2,
        **overrides,
    }
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
    workflow.initialize()
    workflow.run()
    return folder / "out"


@pytest.mark.usefixtures("process_as_it_was")
def test_one_command_measures_and_writes_all(tmp_path, table, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    document = tmp_path / "docs" / "scorecard.md"
    out = command(tmp_path, compared_with=str(table), not_compared=["Ours"], document=str(document))
    content = json.loads((out / "scorecard.json").read_text())
    with (out / "slices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert content["slices"] == len(rows) > 1
    assert content["patients"] == 1
    assert content["checkpoint_sha256"] == fingerprint(tmp_path / "model.pt")
    assert content["data"] == "example"
    assert sum(row["ceiling_slice"] != "" for row in rows) == 1
    assert content["ranked"]["worst"][0] == "phantom-01"
    goals = {goal["name"]: goal for goal in content["goals"]}
    assert goals["round trip with the true latent, fp32, largest error"]["met"] is True
    # untrained, both estimates are the mean of the sources
    assert goals["decomposed, SSIM, brain"]["met"] is False
    mean = sum(float(row["decomposed_t1gd_brain"]) for row in rows) / len(rows)
    assert content["mean_over_slices"]["decomposed_t1gd_brain"] == pytest.approx(mean, abs=1e-6)
    assert goals["Q_P (whole image)"]["met"] is (True if len(rows) == 2 else None)
    text = document.read_text()
    assert "Left out: other contrasts and synthetic diffusion, as no --pairs_dir was given" in text
    assert "| Plain mean | 0.8000 | 0.9000 |" in text
    assert "Ours" not in text

    # what is measured is taken over
    finished = out / "finished" / "phantom-01.json"
    kept = json.loads(finished.read_text())
    kept["rows"][0]["decomposed_t1gd_brain"] = 0.5
    finished.write_text(json.dumps(kept))
    command(tmp_path, compared_with=str(table), not_compared=["Ours"], resume="true")
    again = json.loads((out / "scorecard.json").read_text())
    assert again["mean_over_slices"]["decomposed_t1gd_brain"] != content["mean_over_slices"]["decomposed_t1gd_brain"]
    assert again["mean_over_slices"]["noise8_flair_brain"] == content["mean_over_slices"]["noise8_flair_brain"]


@pytest.mark.usefixtures("process_as_it_was")
def test_what_cannot_be_used_is_told_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    for wrong, message in (
        ({"pairs_dir": str(tmp_path / "none")}, "does not exist"),
        ({"compared_with": str(tmp_path / "none.csv")}, "cannot be read as a table of results"),
        ({"draws": 1}, "draws is 1"),
    ):
        with pytest.raises(Exception) as raised:
            command(tmp_path, **wrong)
        assert message in str(plain_cause(raised.value))
    assert not (tmp_path / "out" / "slices.csv").exists()


def test_a_table_is_read_without_the_rows_that_are_no_other_method(table):
    found = read_table(str(table), ["Ours"])
    assert found == {
        "Q_XY": {"Plain mean": {"mean": 0.8, "patients": 1, "slices": 2}},
        "Q_P": {"Plain mean": {"mean": 0.9, "patients": 1, "slices": 2}},
    }
    assert set(read_table(str(table))["Q_XY"]) == {"Plain mean", "Ours"}


def test_a_table_without_the_metrics_is_told(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("row,figure,mean,patients,slices\nPlain mean,Q_XY,0.8,1,2\n")
    with pytest.raises(BadInputError, match="has no Q_XY and Q_P of any method"):
        read_table(str(path))
    path.write_text("name;value\na;1\n")
    with pytest.raises(BadInputError, match="cannot be read as a table of results"):
        read_table(str(path))


def test_the_shipped_table_can_be_compared_with():
    rows = read_table(str(RESEARCH.parent / "docs" / "tables" / "table1.csv"), ["Ceiling"])
    assert "Plain mean" in rows["Q_XY"]
    assert "Ceiling" not in rows["Q_P"]


def test_without_an_evaluation_there_is_no_scorecard(tmp_path):
    network = FusionINN(hidden_channels=4)
    report = Scorecard(str(tmp_path), {"sources": ["t1gd", "flair"]}, "none", UnseenPairs(network))
    report.prepare()
    with pytest.raises(BadInputError, match="no table of figures by slice"):
        report()
