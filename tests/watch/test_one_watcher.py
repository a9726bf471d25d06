from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.data.errors import BadInputError
from scripts.watch.one_watcher import OneWatcher

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
CODE = """
import sys, time
from scripts.watch.one_watcher import OneWatcher
watcher = OneWatcher(sys.argv[1], sys.argv[2])
print("holds", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that watches a PACS."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(tmp_path / "one"), f"pacs of {tmp_path}"],
        cwd=BUNDLE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.wait()


def test_two_services_do_not_share_a_state(other, tmp_path):
    with pytest.raises(BadInputError, match=r"must not share a state: .* in use by \"watch\" .*--state_dir"):
        OneWatcher(tmp_path / "one", "another pacs")


@pytest.mark.skipif(sys.platform != "linux", reason="needs the names of Linux")
def test_two_services_of_one_machine_do_not_watch_one_pacs(other, tmp_path):
    with pytest.raises(BadInputError, match="already watches pacs of"):
        OneWatcher(tmp_path / "two", f"pacs of {tmp_path}")


def test_a_killed_service_holds_nothing(other, tmp_path):
    other.kill()
    other.wait()
    watcher = OneWatcher(tmp_path / "one", f"pacs of {tmp_path}")
    assert watcher.folder == str(tmp_path / "one")
    watcher._socket.close()
