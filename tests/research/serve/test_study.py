"""The study from the config, on small patients with a bright lesion."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN

ROOT = Path(__file__).resolve().parents[3]
FILES = [str(ROOT / "bundle/configs/evaluate.json"), str(ROOT / "research/configs/serve.json")]
SHAPE = (40, 48, 6)
PATIENTS = "PQRS"


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_patient) -> Path:
    """Four patients whose lesion is bright on FLAIR and as dark on T1-Gd, so that the mean does not show it."""
    folder = tmp_path_factory.mktemp("serve")
    x, y, _ = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    head = (x - 20) ** 2 / 17**2 + (y - 24) ** 2 / 21**2 < 1
    for i, name in enumerate(PATIENTS):
        texture = np.random.default_rng(i).integers(0, 40, SHAPE)
        lesion = (x - 14 - 3 * i) ** 2 + (y - 20 - 2 * i) ** 2 < 36
        base = head * (500 + texture)
        base[20, 44] = 1000  # the brightest pixel of each slice of both sources
        write_patient(
            folder / "data", name, shape=SHAPE, t1ce=base - 200 * lesion, flair=base + 200 * lesion, seg=lesion
        )
    (folder / "split.json").write_text(json.dumps({"train": ["P", "Q", "R"], "validation": ["S"]}))
    torch.save(FusionINN(blocks=3, hidden_channels=4).state_dict(), folder / "model.pt")
    return folder


@pytest.fixture
def run(data, process_as_it_was, monkeypatch):
    """Return a function that does what the command does, with untrained weights."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(output_dir: Path, **settings) -> dict:
        given = {
            "dataset_dir": str(data / "data"),
            "split_file": str(data / "split.json"),
            "output_dir": str(output_dir),
            "ckpt_path": str(data / "model.pt"),
            "network_def#blocks": 3,
            "network_def#hidden_channels": 4,
            "device": "cpu",
            "folds": 2,
            "slice_step": 1,
            "downsampling": 1,
            "epochs": 25,
            "batch_size": 4,
            "learning_rate": 0.02,
            "strides": [2],
            "window": None,
            "segmenter#channels": [8, 16],
        }
        workflow = ConfigWorkflow(FILES, workflow_type="infer", logging_file=False, **given | settings)
        workflow.initialize()
        workflow.run()
        return json.loads((output_dir / "serve.json").read_text())

    return run


def refused(run, output_dir, **settings) -> str:
    """Return the message that a refused study ends with."""
    with pytest.raises(Exception) as raised:
        run(output_dir, **settings)
    cause = plain_cause(raised.value)
    assert isinstance(cause, BadInputError)
    return str(cause)


QUICK = {"epochs": 1}


def test_a_lesion_that_only_the_sources_show_is_found_on_them_alone(run, tmp_path):
    content = run(tmp_path)
    assert {name: group["patients"] for name, group in content["groups"].items()} == {
        "all patients": 4,
        "held-out patients": 3,
    }
    group = content["groups"]["all patients"]
    dice = {name: figure["value"] for name, figure in group["dice"].items()}
    assert dice["sources"] > 0.9
    # the sources less the mean is what an untrained network loses: its estimates are the mean twice
    assert max(dice[name] for name in ("mean", "fused", "estimates_uint16", "estimates_uint8")) < 0.5
    difference = group["differences"]["mean - sources"]
    assert difference["value"] == pytest.approx(dice["mean"] - dice["sources"])
    assert difference["high"] < 0
    rows = (tmp_path / "serve.csv").read_text().splitlines()
    assert rows[0] == "patient,held_out,fold,sources,estimates_uint16,estimates_uint8,fused,mean"
    assert [row.split(",")[1] for row in rows[1:]] == ["True", "True", "True", "False"]
    mean = np.mean([float(row.split(",")[3]) for row in rows[1:]])
    assert mean == pytest.approx(dice["sources"], abs=1e-6)
    text = (tmp_path / "serve.md").read_text()
    assert "For research use only. Not for diagnosis" in text
    assert "misses the goal of 99 %" in text
    assert "| segmented | trained on | all patients (4) | held-out patients (3) |" in text


def test_a_stopped_study_continues_and_the_same_seed_gives_the_same_figures(run, tmp_path):
    first = run(tmp_path / "a", **QUICK)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.[np][pt]*")}
    assert len(times) == 4 + 6
    (tmp_path / "a" / "fused" / "fold-2.pt").unlink()
    (tmp_path / "a" / "mean" / "fold-1.pt").write_bytes(b"half a file")
    again = run(tmp_path / "a", resume=True, **QUICK)
    assert again == first
    changed = {path.relative_to(tmp_path / "a") for path in times if path.stat().st_mtime_ns != times[path]}
    assert changed == {Path("fused/fold-2.pt"), Path("mean/fold-1.pt")}
    assert run(tmp_path / "b", **QUICK) == first


def test_what_was_made_with_other_settings_is_not_continued(run, tmp_path, data):
    run(tmp_path, **QUICK)
    assert "The sources of the study was made with other settings: training" in refused(
        run, tmp_path, resume=True, epochs=2
    )
    torch.save(FusionINN(blocks=3, hidden_channels=4, seed=7).state_dict(), tmp_path / "other.pt")
    told = refused(run, tmp_path, resume=True, ckpt_path=str(tmp_path / "other.pt"), **QUICK)
    assert "The inputs of the study was made with other settings: weights was" in told
    # without resume all is made anew
    assert run(tmp_path, ckpt_path=str(tmp_path / "other.pt"), **QUICK)["checkpoint_sha256"] in told


def test_a_patient_without_lesion_is_not_judged_and_named(run, tmp_path, data, write_patient):
    record = write_patient(tmp_path / "data", "T", shape=SHAPE, seg=np.zeros(SHAPE))
    assert record["patient"] == "T"
    for name in PATIENTS:
        (tmp_path / "data" / name).symlink_to(data / "data" / name, target_is_directory=True)
    content = run(tmp_path / "out", dataset_dir=str(tmp_path / "data"), split_file=None, **QUICK)
    assert content["without_lesion"] == ["T"]
    assert {name: group["patients"] for name, group in content["groups"].items()} == {"all patients": 4}
    assert "Without lesion in the measured slices, not judged: T." in (tmp_path / "out" / "serve.md").read_text()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 5}, "folds is 5, expected a whole number from 2 to the number of persons, 4"),
        ({"slice_step": 0}, "slice_step is 0, expected a whole number from 1"),
        ({"stores": ["uint12"]}, r"stores is \['uint12'\], expected one or more of uint16, uint8, float32"),
        ({"epochs": 0}, "expected whole numbers from 1 on for epochs and batch_size"),
        ({"batch_size": 2.5}, "expected whole numbers from 1 on for epochs and batch_size"),
        ({"window": [20, 21]}, r"window is \[20, 21\], expected height and width, multiples of 2"),
        ({"latent": "some"}, "latent is 'some'"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_written(run, tmp_path, settings, message):
    assert re.search(message, refused(run, tmp_path / "out", **settings))
    assert not (tmp_path / "out").exists()
