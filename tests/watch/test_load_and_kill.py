"""The command itself: studies arrive while it is killed, and each gets one result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from pacs_fixtures import find_orthanc

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_each_of_many_studies_has_one_result_however_often_the_service_is_killed(clean_environment, tmp_path):
    try:
        find_orthanc()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    if not (ROOT / "bundle" / "models" / "model.pt").is_file():
        pytest.skip("no weights are shipped with this copy")
    numbers = ["--studies", "6", "--kills", "2", "--limit", "900"]
    places = ["--keep", str(tmp_path / "run"), "--output", str(tmp_path / "found.json")]
    done = subprocess.run(
        [sys.executable, "benchmarks/watch.py", *numbers, *places],
        cwd=ROOT,
        env=clean_environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["kills"] == 2
    assert found["results"] == {"once": 6, "missing": 0, "in part": 0, "double": 0}
    assert found["instances"]["in the PACS"] == found["instances"]["expected"]
    assert found["exit_code"] == 0  # the last process was asked to stop

    log = (tmp_path / "run" / "watch.log").read_text()
    assert "LOAD-" not in log and "correct horse" not in log
