"""Several processes share a cohort, as torchrun starts them: each patient once, and all that one process gives."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
SMALL = {"network_def#hidden_channels": 4, "network_def#blocks": 2}
PATIENTS = "ABCDE"

# Once, when the second process has finished its first patient.
KILLING = """
import os, signal
import ignite.distributed as idist
from ignite.engine import Events

class Kill:
    def attach(self, engine):
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.kill)

    def kill(self, engine):
        if idist.get_rank() == 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Weights of a small network: nothing here depends on what it has learnt."""
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    for key, value in SMALL.items():
        parser[key] = value
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def")
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def cohort(tmp_path, write_patient) -> Path:
    for number, name in enumerate(PATIENTS):
        write_patient(tmp_path / "data", name, shape=(24, 26 + number, 4))
    return tmp_path / "data"


def run(config: str, weights: Path, *layers: str | Path, **settings) -> None:
    """Do in this process what a command does."""
    files = [str(CONFIGS / f"{config}.json"), *(str(CONFIGS / layer) for layer in layers)]
    given = {"ckpt_path": str(weights), "device": "cpu", **SMALL, **settings}
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **given)
    workflow.initialize()
    workflow.run()


def torchrun(config: str, weights: Path, layer: Path, **settings) -> subprocess.CompletedProcess:
    """Run a command shared by two processes, started again once if one is lost."""
    files = [str(CONFIGS / f"{config}.json"), str(CONFIGS / "distributed.json"), str(layer)]
    given = {"config_file": files, "ckpt_path": weights, "device": "cpu", **SMALL, **settings}
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "--max_restarts=1"]
    line += ["-m", "monai.bundle", "run", *(item for key, value in given.items() for item in (f"--{key}", str(value)))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(layer.parent)}
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("process_as_it_was")
def test_an_evaluation_by_two_gives_the_tables_of_one(tmp_path, cohort, weights, as_one_of):
    one, two = tmp_path / "one", tmp_path / "two"
    measured = {"dataset_dir": str(cohort), "metrics": "false"}
    run("evaluate", weights, output_dir=str(one), **measured)
    as_one_of(2, lambda: run("evaluate", weights, "distributed.json", output_dir=str(two), **measured))
    for name in ("slices.csv", "patients.csv"):
        assert (two / name).read_text() == (one / name).read_text()
    assert [row["patient"] for row in rows(two, "patients.csv")] == list(PATIENTS)
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (one, two)]
    for summary in summaries:
        assert summary.pop("seconds_per_slice") > 0
    assert summaries[0] == summaries[1]


@pytest.mark.slow
@pytest.mark.usefixtures("process_as_it_was")
def test_when_one_of_two_is_killed_the_others_patients_are_left_alone(tmp_path, cohort, weights):
    (tmp_path / "killing.py").write_text(KILLING)
    (tmp_path / "kill.json").write_text(json.dumps({"+handlers": [{"_target_": "killing.Kill"}]}))
    (cohort / "D" / "D_flair.nii.gz").write_bytes(b"")
    out = tmp_path / "out"
    settings = {"dataset_dir": str(cohort), "output_dir": str(out), "overview": "false", "typicality": "false"}
    done = torchrun("inference", weights, tmp_path / "kill.json", **settings)
    # The second process has B and D. It is killed when B is finished; in the second attempt D is told as bad.
    assert done.returncode == 1
    told = done.stderr.replace("[rank0]: ", "")  # as torch marks them
    assert "Error: 1 of 5 patients could not be processed:\n- D: " in told, done.stderr
    notes = out / ".finished" / "fusing"
    assert sorted(path.stem for path in notes.glob("*.json")) == list("ABCE")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")}
    assert {path.parent.name for path in before} == set("ABCE")

    # With the bad one mended the run continues, in a single process as well.
    for path in (cohort / "C").iterdir():
        shutil.copy(path, cohort / "D" / path.name.replace("C_", "D_"))
    run("inference", weights, resume="true", **settings)
    assert sorted(path.name for path in out.iterdir()) == [".finished", *PATIENTS]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    fused = [nib.load(out / name / f"{name}_fused.nii.gz").get_fdata() for name in "CD"]
    assert np.array_equal(fused[0], fused[1])
