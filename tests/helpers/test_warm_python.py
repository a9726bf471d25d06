"""A command in a fork of the warm Python finds what it would find in a fresh interpreter."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from warm_python import Command, run_python

pytestmark = pytest.mark.slow

TELL = """
import json, os, sys
print(json.dumps([os.getcwd(), sys.argv, sys.path[0], os.environ.get("GIVEN"), "scripts" in sys.modules, __name__]))
print("aside", file=sys.stderr)
sys.exit(3)
"""


def test_folder_arguments_environment_streams_and_status_are_those_of_the_command(tmp_path):
    done = run_python("-c", TELL, "a b", cwd=tmp_path, env={**os.environ, "GIVEN": "1"})
    assert done.stdout == f'["{tmp_path}", ["-c", "a b"], "", "1", false, "__main__"]\n'
    assert done.stderr == "aside\n"
    assert done.returncode == 3


def test_a_module_is_found_in_the_working_directory_and_then_where_the_environment_says(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.py").write_text(f"print(__name__, {folder!r})")
    given = {"cwd": tmp_path / "here", "env": {**os.environ, "PYTHONPATH": str(tmp_path / "there")}}
    assert [run_python("-m", name, **given).stdout for name in ("here", "there")] == [
        "__main__ here\n",
        "__main__ there\n",
    ]


def test_one_command_leaves_nothing_to_the_next():
    run_python("-c", "import os, sys; os.environ['LEFT'] = sys.left = '1'; import scripts")
    done = run_python(
        "-c", "import os, sys; print('LEFT' in os.environ, hasattr(sys, 'left'), 'scripts' in sys.modules)"
    )
    assert done.stdout == "False False False\n"


def test_both_streams_together_keep_the_order_of_their_lines():
    code = "import sys\nfor i in range(3): print(i, file=(sys.stdout, sys.stderr)[i % 2], flush=True)"
    done = Command("-c", code, together=True).wait()
    assert (done.stdout, done.stderr) == ("0\n1\n2\n", "")


def test_a_signal_ends_it_and_it_may_be_asked_about_later():
    command = Command("-c", "import time; time.sleep(60)")
    assert command.is_running()
    command.send_signal(signal.SIGTERM)
    assert command.wait().returncode == -signal.SIGTERM
    assert not command.is_running()
    command.send_signal(signal.SIGTERM)


def test_one_that_takes_too_long_is_killed():
    command = Command("-c", "import time; time.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(timeout=0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(command.pid, 0)
