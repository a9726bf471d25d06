"""Finding out whether the owner process has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.data.owner import has_ended, read_owner, this_process, write_owner

pytestmark = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs Linux's /proc")


def test_this_process_runs_and_another_of_its_number_did_before(tmp_path):
    with (tmp_path / "lock").open("w") as file:
        write_owner(file.fileno(), command="Fusing")
    owner = read_owner(tmp_path / "lock")
    assert owner == {**this_process(), "command": "Fusing"}
    assert has_ended(owner) is False
    assert has_ended({**owner, "started": "1"}) is True


def test_a_process_that_has_ended_is_known_before_it_is_collected(tmp_path):
    lock = tmp_path / "lock"
    code = "import os, sys; from scripts.data.owner import write_owner; write_owner(os.open(sys.argv[1], 66))"
    bundle = Path(__file__).resolve().parents[2] / "bundle"
    with subprocess.Popen([sys.executable, "-c", code, lock], env={**os.environ, "PYTHONPATH": str(bundle)}) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert read_owner(lock)["process"] == process.pid
        assert has_ended(read_owner(lock)) is True
    assert has_ended(read_owner(lock)) is True


@pytest.mark.parametrize("other", [{"host": "another"}, {"machine": "booted before"}, {"process": None}])
def test_nothing_is_known_of_other_machines(other):
    assert has_ended({**this_process(), **other}) is None


def test_what_is_not_signed_belongs_to_nobody(tmp_path):
    assert read_owner(tmp_path / "none") == {}
    (tmp_path / "lock").write_text("{")
    assert read_owner(tmp_path / "lock") == {}
    assert has_ended({}) is None
