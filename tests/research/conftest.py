"""Two small patients with a split, made once: one to train on, one to measure. And commands without a process."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle.scripts import run
from monai.utils import set_determinism

from fusioninn_research import bundle_command, grid
from fusioninn_research.config_paths import config_path
from scripts.command_line.plain_errors import plain_cause
from warm_python import run_python


def run_here(section, configs, overrides, log) -> str | None:
    """Do in this process what `run_bundle` does in one of its own, which takes seconds to start."""
    files = [config_path(name) for name in configs]
    given = {key: str(value) if isinstance(value, Path) else value for key, value in overrides.items()}
    log.parent.mkdir(parents=True, exist_ok=True)
    handler, root = logging.FileHandler(log), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        run(
            section,
            config_file=files,
            logging_file=False,
            **{key: value for key, value in given.items() if value is not None},
        )
    except Exception as error:
        return str(plain_cause(error) or error).splitlines()[-1]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
    return None


def run_warm(command, stdout, stderr, env, check) -> subprocess.CompletedProcess:
    """Do what `subprocess.run` does for `run_bundle`, in a fork of a Python that has imported the libraries."""
    done = run_python(*command[1:], env=env)
    stdout.write((done.stdout + done.stderr).encode())
    return done


@pytest.fixture(scope="module")
def warm_commands() -> Iterator[None]:
    """Let `run_bundle` start its commands without the seconds that each would spend on importing torch and MONAI."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_command.subprocess, "run", run_warm)
        yield


@pytest.fixture(scope="module")
def in_this_process() -> Iterator[None]:
    """Let the grids of a module run their commands in this process.

    `test_bundle_command.py` runs a command in a process of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSIONINN_TRACEBACK", "1")
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(grid, "run_bundle", run_here)
        yield
    set_determinism(seed=None)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory) -> Path:
    """Return a folder with `data` (patients P and Q) and `split.json`."""
    folder = tmp_path_factory.mktemp("cohort")
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (28, 32, 6)), indexing="ij")
    for i, patient in enumerate("PQ"):
        head = x**2 + y**2 + 0.3 * z**2 < 0.8
        for suffix, sign in (("t1ce", 1), ("flair", -1)):
            volume = head * (400 + sign * 150 * np.sin(5 * x + i) * np.cos(4 * y) + 40 * z)
            path = folder / "data" / patient / f"{patient}_{suffix}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(volume.astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0])), path)
    (folder / "split.json").write_text(json.dumps({"train": ["P"], "validation": ["Q"]}))
    return folder
