"""Configs of the research, as tables name them and as commands layer them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fusioninn_research.config_paths import config_path
from warm_python import run_python


@pytest.mark.parametrize("name", ["crops.json", "methods/fusioninn.json", "research/small.json"])
def test_a_table_names_configs_of_the_bundle_and_of_the_research(name):
    assert Path(config_path(name)).is_file()


@pytest.mark.parametrize(
    ("names", "option", "nearest"),
    [
        (["research/reproduce.json", "research/table1.json"], "table#row", "table#rows"),
        (["evaluate.json", "research/methods/unet.json"], "network_def#widt", "network_def#width"),
    ],
)
def test_a_command_finds_the_code_of_both_from_any_folder(tmp_path, names, option, nearest):
    files = str([config_path(name) for name in names])
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = run_python(
        "-m", "monai.bundle", "run", "--config_file", files, f"--{option}", "1", cwd=tmp_path, env=environment
    )
    told = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert told.startswith(f"Error: --{option} is not an option of")
    assert told.endswith(f"Did you mean --{nearest}?")
