"""Build commands for messages, to be pasted in the user's working directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from scripts import BUNDLE_ROOT


def config_file(*names: str) -> str:
    """Return the value of ``--config_file`` for layered configs, relative to the working directory if possible.

    Args:
        names: files in the bundle's configs, such as "inference.json".
    """
    paths = [_from_here(Path(BUNDLE_ROOT) / "configs" / name) for name in names]
    return paths[0] if len(paths) == 1 else '"[' + ",".join(f"'{path}'" for path in paths) + ']"'


def command(configs: Sequence[str], options: str = "", section: str = "") -> str:
    """Return a command that runs from the working directory.

    Args:
        configs: files in the bundle's configs, in layer order.
        options: further options, such as "--dataset_dir DIR".
        section: section to run. Defaults to "run".
    """
    words = ["python -m monai.bundle run", section, "--config_file", config_file(*configs), options]
    return " ".join(word for word in words if word)


def _from_here(path: Path) -> str:
    here = Path(os.path.abspath(os.curdir))
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
