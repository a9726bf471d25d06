"""Training the head that guesses errors, from its configuration, and measuring it from its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from fusioninn_research.config_paths import config_path
from scripts.cases.uncertainty_map import load_head
from scripts.networks.uncertainty import UncertaintyHead

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"


@pytest.fixture
def run(monkeypatch):
    """Return a function that does in this process what the command does."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def execute(names, kind, run_id, **settings):
        files = [config_path(f"{name}.json") for name in names]
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        workflow = ConfigWorkflow(files, workflow_type=kind, logging_file=False, run_id=run_id, **settings)
        workflow.initialize()
        workflow.run()

    return execute


def test_the_head_is_trained_calibrated_and_measured_by_a_command_each(tmp_path, write_patient, run):
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    ckpt = tmp_path / "model.pt"
    torch.save(parser.get_parsed_content("network_def").state_dict(), ckpt)
    for name in "PQ":
        write_patient(tmp_path / "data", name)
    run(
        ("train", "crops", "uncertainty"),
        "train",
        "training",
        dataset_dir=tmp_path / "data",
        output_dir=tmp_path / "run",
        ckpt_path=ckpt,
        head_path=tmp_path / "head.pt",
        epochs=1,
        repeats=1,
        image_size=[24, 24],
        device="$torch.device('cpu')",
    )
    head = load_head(UncertaintyHead(), tmp_path / "head.pt", ckpt)
    assert (head.factor != 1).all()
    trained = torch.load(tmp_path / "run" / "model.pt", weights_only=True)
    assert torch.equal(trained["conv_2.bias"], head.conv_2.bias)
    assert not torch.equal(trained["conv_2.bias"], torch.full((2,), -4.0))

    run(
        ("evaluate", "research/reliability"),
        "infer",
        "run",
        dataset_dir=tmp_path / "data",
        output_dir=tmp_path / "out",
        ckpt_path=ckpt,
        uncertainty_path=tmp_path / "head.pt",
        slice_step=4,
        draws=[2],
        device="cpu",
    )
    groups = json.loads((tmp_path / "out" / "reliability.json").read_text())["groups"]
    assert list(groups) == ["validation patients"]
    assert groups["validation patients"]["patients"] == 2
