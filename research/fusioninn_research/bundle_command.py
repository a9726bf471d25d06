"""A command of the bundle in a process of its own, with its log in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts import BUNDLE_ROOT
from scripts.outputs.writing import check_writable

from .config_paths import config_path

KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
"""glibc hands large blocks back to the system after every layer and pages them in again for the next; told to keep
them, a training step of FusionINN takes less than half the time on a CPU. Other systems ignore these variables."""


def run_bundle(section: str, configs: Sequence[str], overrides: Mapping[str, Any], log: Path) -> str | None:
    """Run ``python -m monai.bundle run`` and wait for its end.

    Args:
        section: what to run, for instance "training".
        configs: config files in layers, named as in `config_path`.
        overrides: keys and values of the command; None leaves the config's own value.
        log: file that what it tells is added to.

    Returns:
        None when it succeeded, else its last message.
    """
    files = [config_path(name) for name in configs]
    arguments = [part for key, value in overrides.items() if value is not None for part in (f"--{key}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", section, "--config_file", str(files), *arguments]
    check_writable(log.parent)
    with log.open("ab") as file:
        begin = file.tell()
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=_environment(), check=False)
    return None if done.returncode == 0 else last_words(log, begin, done.returncode)


def _environment() -> dict[str, str]:
    paths = [BUNDLE_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**KEEP_MEMORY, **os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def last_words(log: Path, begin: int, code: int) -> str:
    """Return the message that a command ended with, without the progress before it.

    Args:
        log: what the command told, after what others told before it.
        begin: where in the file this command began.
        code: the exit code of the command.
    """
    with log.open("rb") as file:
        file.seek(begin)
        told = file.read().decode("utf-8", "replace")
    if "\nError: " in told:
        return told.rpartition("\nError: ")[2].strip()
    lines = [line.strip() for line in told.replace("\r", "\n").splitlines() if line.strip()]
    return f"{lines[-1]} (code {code})" if lines else f"it ended with code {code} and said nothing"
