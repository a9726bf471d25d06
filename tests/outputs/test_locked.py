"""Only one command at a time uses an output folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.data import held
from scripts.data.errors import BadInputError
from scripts.outputs.locked import LOCK, check_folder, lock_folder, unlock_folder

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
HOLDER = """
import sys, time
from scripts.outputs.locked import lock_folder
lock_folder(sys.argv[1], "Fusing")
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def another(tmp_path):
    """Return a function that lets another process lock the folder."""
    started = []

    def start(**environment: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(BUNDLE), **environment},
        )
        started.append(process)
        assert process.stdout.readline() == "locked\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    unlock_folder(tmp_path)


def test_a_second_command_is_refused_and_told_of_the_first_until_that_has_died(tmp_path, another):
    first = another()
    with pytest.raises(BadInputError, match=rf'is in use by "Fusing" \(process {first.pid} on .*--output_dir'):
        lock_folder(tmp_path, "Decomposing")
    (tmp_path / "decomposed").mkdir()
    lock_folder(tmp_path / "decomposed", "Decomposing")
    unlock_folder(tmp_path / "decomposed")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (tmp_path / LOCK).exists()
    lock_folder(tmp_path, "Decomposing")
    lock_folder(tmp_path, "Decomposing")
    unlock_folder(tmp_path)
    assert not (tmp_path / LOCK).exists()


def test_the_processes_of_one_torchrun_command_share_the_lock(tmp_path, another, monkeypatch):
    job = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29501", "TORCHELASTIC_RUN_ID": "a"}
    another(**job)
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    lock_folder(tmp_path, "Fusing")
    monkeypatch.setenv("MASTER_PORT", "29502")
    with pytest.raises(BadInputError, match="is in use"):
        lock_folder(tmp_path, "Fusing")


def test_a_folder_that_was_removed_meanwhile_is_noticed(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    lock_folder(folder, "Fusing")
    check_folder(folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BadInputError, match="was removed or renamed while the command was running"):
        check_folder(folder)
    folder.mkdir()
    lock_folder(folder, "Fusing")
    check_folder(folder)
    unlock_folder(folder)
    assert list(folder.iterdir()) == []


def test_where_locks_are_unknown_a_folder_is_taken_over_from_a_dead_process_of_this_machine_only(
    tmp_path, another, monkeypatch
):
    monkeypatch.setattr(held, "fcntl", None)
    first = another()
    with pytest.raises(
        BadInputError, match=rf"in use by .* If it has finished already, remove {tmp_path / LOCK}: this"
    ):
        lock_folder(tmp_path, "Decomposing")
    first.kill()
    first.wait()
    lock_folder(tmp_path, "Decomposing")
    unlock_folder(tmp_path)
    (tmp_path / LOCK).write_text('{"process": 1, "host": "another", "command": "Fusing"}')
    with pytest.raises(BadInputError, match="in use by"):
        lock_folder(tmp_path, "Decomposing")
