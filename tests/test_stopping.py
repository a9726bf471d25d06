"""Commands that are stopped, as a user stops them, end with one line and leave whole results."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_message
from scripts.networks import FusionINN

INFERENCE = str(Path(__file__).resolve().parent.parent / "bundle" / "configs" / "inference.json")
PATIENTS = 40


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> dict[str, object]:
    """Settings of a command that takes a while: many patients, linked to the files of one."""
    folder = tmp_path_factory.mktemp("stopping")
    torch.manual_seed(0)
    network = FusionINN(spatial_dims=2, in_channels=2, blocks=1, hidden_channels=4)
    torch.save(network.state_dict(), folder / "model.pt")
    small = {"blocks": 1, "hidden_channels": 4}
    return {
        "dataset_dir": str(folder / "data"),
        "ckpt_path": str(folder / "model.pt"),
        "device": "cpu",
        "typicality": "false",
        "overview": "true",
        **{f"network_def#{key}": value for key, value in small.items()},
    }


@pytest.fixture
def started(tmp_path, settings, write_patient):
    """Return a function that starts the command and waits for its first finished patients."""

    @contextmanager
    def start() -> Iterator[subprocess.Popen]:
        for i in range(PATIENTS):
            write_patient(Path(settings["dataset_dir"]), f"P{i:02d}")
        given = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        line = [sys.executable, "-m", "monai.bundle", "run", "--config_file", INFERENCE, *given]
        environment = {key: value for key, value in os.environ.items() if key != "FUSIONINN_TRACEBACK"}
        with subprocess.Popen(
            [*line, "--output_dir", str(tmp_path / "out")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            limit = time.monotonic() + 120
            while not list(tmp_path.glob("out/.finished/fusing/P*.json")) and time.monotonic() < limit:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
            yield process
            process.kill()

    return start


def test_ctrl_c_keeps_what_is_finished_and_a_second_command_was_refused_meanwhile(
    tmp_path, settings, started, monkeypatch
):
    out = tmp_path / "out"
    with started() as process:
        monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
        second = ConfigWorkflow(
            INFERENCE, workflow_type="infer", logging_file=False, output_dir=str(out), **settings, seed=1
        )
        with pytest.raises(RuntimeError) as refused:
            second.initialize()
            second.run()
        process.send_signal(signal.SIGINT)
        log, told = process.communicate()
    assert "Engine run is terminating" not in log + told
    assert f'out is in use by "Fusing" (process {process.pid} on ' in plain_message(refused.value)
    assert process.returncode == 130
    assert told.splitlines()[-1].startswith("Stopped by Ctrl-C. What was finished is kept: the same command")
    assert "Traceback" not in told
    finished = {path.stem for path in (out / ".finished" / "fusing").glob("P*.json")}
    assert 1 <= len(finished) < PATIENTS
    assert {path.name for path in out.iterdir()} - {".finished"} >= finished
    assert not [path for path in out.rglob(".*") if path.name != ".finished"]


def test_an_output_folder_that_is_removed_meanwhile_ends_the_run_with_one_line(tmp_path, started):
    with started() as process:
        shutil.move(tmp_path / "out", tmp_path / "elsewhere")
        told = process.communicate()[1]
    assert process.returncode == 1
    assert told.splitlines()[-1].startswith(f"Error: {tmp_path / 'out'} was removed or renamed while")
    assert "Traceback" not in told
