"""Write one result file whole, or say why it cannot be written."""

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
    """Give a temporary name beside `path` that becomes `path` if nothing is raised.

    Args:
        path: file to write; its folder is created. What is there stays until the new file is whole.
        suffix: end of the temporary name, for writers that look at the extension.

    Raises:
        BadInputError: the folder cannot be created, or the file cannot be written.
    """
    try:
        with written_whole(path, suffix) as temporary:
            yield temporary
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(
            f"{os.fspath(path)} cannot be written ({reason}). Choose a folder that you may write"
            " to, on a disk with space left, with --output_dir."
        ) from error


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Make a folder for results, before hours go into them.

    Raises:
        BadInputError: the folder cannot be created or written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInputError(
            f"Nothing can be written to {os.fspath(folder)} ({error.strerror}). Choose another --output_dir, or make "
            "this one writable."
        ) from error


def sweep(folder: str | os.PathLike[str], beginning: str) -> None:
    """Remove what a killed run left half-written.

    Args:
        folder: where it wrote.
        beginning: what the names of its files begin with.
    """
    for temporary in Path(folder).glob(f".{escape(beginning)}*"):
        temporary.unlink(missing_ok=True)
