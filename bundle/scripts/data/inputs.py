"""Protect the input files of the running command from being overwritten by its results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import BadInputError

_inputs: dict[str, dict[str, str]] = {}
"""Inputs of the command: resolved folder, and name in lower case."""

_NO_FILES = ("patient", "problem", "section")
"""Keys of a record whose values are not paths."""


def protect_inputs(files: Iterable[str | os.PathLike[str]]) -> None:
    """Register the input files of a command; those of an earlier command in this process are forgotten.

    Results are renamed into place, so only a name in a folder could be lost. A hard or symbolic link to an input may be
    replaced, because the input keeps its own name. If an input is itself a link, its target is protected as well.

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
    """Whether a path is an input of the command, or a folder that contains one."""
    path = Path(path)
    if not os.path.lexists(path):
        return False
    if path.is_dir() and not path.is_symlink():
        folder = os.path.realpath(path)
        return any(other == folder or other.startswith(f"{folder}{os.sep}") for other in _inputs)
    known = _inputs.get(os.path.realpath(path.parent), {}).get(path.name.casefold())
    # names that differ in case may be one file or two
    return known is not None and os.path.lexists(known) and os.path.samestat(os.lstat(known), os.lstat(path))


def check_no_input(path: str | os.PathLike[str]) -> None:
    """Raise if a path to be written is an input of the command.

    Raises:
        BadInputError: when it is.
    """
    if is_input(path):
        raise BadInputError(
            f"{os.fspath(path)} is read by this command, and a result would have the same name. The file was left "
            "unchanged and nothing was written. Choose another --output_dir, or rename the input."
        )


def check_apart(output: str | os.PathLike[str], *inputs: str | os.PathLike[str] | None) -> None:
    """Raise if the result of a command is one of its inputs.

    Args:
        output: the file to write.
        inputs: files that the command reads; None for an input that is not given.

    Raises:
        BadInputError: the file is one of them, possibly by another name.
    """
    for file in inputs:
        if file is not None and os.path.exists(output) and os.path.exists(file) and os.path.samefile(output, file):
            raise BadInputError(
                f"{os.fspath(output)} is an input of this command and cannot be its result. Choose another name for "
                "the result."
            )


def files_of(record: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files of a patient's record, by source.

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
