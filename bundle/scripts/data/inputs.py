"""The files that the running command reads: no result may take the place of one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import BadInputError

_inputs: dict[str, dict[str, str]] = {}
"""Inputs of the command by their folder, without links, and their name, in small letters."""

_NO_FILES = ("patient", "problem", "section")
"""Keys of a record whose words are no paths."""


def protect_inputs(files: Iterable[str | os.PathLike[str]]) -> None:
    """Name the input files of the command that begins; those of an earlier command in this process are forgotten.

    Files are replaced by renaming, so what could be lost is a name in a folder. Another name of an input, a hard or a
    symbolic link, may be replaced: the input keeps its own. Where an input is itself a link, the file that it leads to
    counts as well.

    Args:
        files: paths of the files.
    """
    _inputs.clear()
    folders: dict[str, str] = {}
    for file in map(os.fspath, files):
        for path in (file, os.path.realpath(file)) if os.path.islink(file) else (file,):
            folder, name = os.path.split(os.path.abspath(path))
            if folder not in folders:
                folders[folder] = os.path.realpath(folder)
            _inputs.setdefault(folders[folder], {})[name.casefold()] = os.path.join(folder, name)


def is_input(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file at a path that the command reads, or a folder that holds one."""
    path = Path(path)
    if not os.path.lexists(path):
        return False
    if path.is_dir() and not path.is_symlink():
        folder = os.path.realpath(path)
        return any(other == folder or other.startswith(f"{folder}{os.sep}") for other in _inputs)
    known = _inputs.get(os.path.realpath(path.parent), {}).get(path.name.casefold())
    # names in large and small letters may be of one file or of two
    return known is not None and os.path.lexists(known) and os.path.samestat(os.lstat(known), os.lstat(path))


def check_no_input(path: str | os.PathLike[str]) -> None:
    """Refuse to write to a path where an input of the command lies.

    Raises:
        BadInputError: when one does.
    """
    if is_input(path):
        raise BadInputError(
            f"{os.fspath(path)} is read by this command, and one of its results would have the same name: it was left "
            "as it is, and nothing was written. Choose another --output_dir, or rename the input."
        )


def check_apart(output: str | os.PathLike[str], *inputs: str | os.PathLike[str] | None) -> None:
    """Refuse to write a file that a command of one result reads.

    Args:
        output: the file to write.
        inputs: files that the command reads; None where it reads none.

    Raises:
        BadInputError: the file is one of them, by whatever name.
    """
    for file in inputs:
        if file is not None and os.path.exists(output) and os.path.exists(file) and os.path.samefile(output, file):
            raise BadInputError(
                f"{os.fspath(output)} is to be written, but the command reads that file. Choose another name for the "
                "result."
            )


def files_of(record: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files that a record of a patient names, by what they show.

    Args:
        record: "patient", and paths or lists of paths under any other key.
    """
    paths: dict[str, Path] = {}
    for key, value in record.items():
        if key in _NO_FILES:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        found = [Path(item) for item in values if isinstance(item, str | Path)]
        paths |= {key if len(values) == 1 else f"{key} {i}": path for i, path in enumerate(found)}
    return {key: path for key, path in sorted(paths.items()) if path.is_file()}
