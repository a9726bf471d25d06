"""Write a result file atomically, with a clear error if it cannot be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from scripts.data.atomic import written_whole
from scripts.data.errors import BadInputError


@contextmanager
def result_file(path: str | os.PathLike[str], suffix: str = "") -> Iterator[str]:
    """Yield a temporary name next to `path`, and rename it to `path` unless an error is raised.

    Args:
        path: file to write; its folder is created. An existing file is kept until the new one is complete.
        suffix: end of the temporary name, for writers that depend on the extension.

    Raises:
        BadInputError: the folder cannot be created, or the file cannot be written.
    """
    try:
        with written_whole(path, suffix) as temporary:
            yield temporary
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(
            f"{os.fspath(path)} cannot be written ({reason}). Choose a writable folder"
            " on a disk with space left, with --output_dir."
        ) from error


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Create the folder for results and check that it is writable before a long computation.

    Raises:
        BadInputError: the folder cannot be created or written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInputError(
            f"{os.fspath(folder)} is not writable ({error.strerror}). Choose another --output_dir, or make "
            "this one writable."
        ) from error


def sweep(folder: str | os.PathLike[str], beginning: str) -> None:
    """Remove incomplete files of a killed run.

    Args:
        folder: folder that it wrote to.
        beginning: prefix of the names of its files.
    """
    for temporary in Path(folder).glob(f".{escape(beginning)}*"):
        temporary.unlink(missing_ok=True)
