"""The MONAI command that a short command runs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .request import Request

IDENTIFYING = ("study_uid", "patient_id", "accession", "study_date")
"""Options whose values must not be in a log."""
HIDDEN = "[hidden]"


def monai_command(request: Request) -> str:
    """Return the command of MONAI that does the same, to be pasted in a shell.

    Args:
        request: the short command.

    Returns:
        the command; values that identify a patient, and URLs that may hold a password, are replaced by "[hidden]".
    """
    from scripts.command_line.values import USER_IN_URL

    words = ["python", "-m", "monai.bundle", "run"]
    if request.section != "run":
        words.append(request.section)
    files = [_from_here(file) for file in request.files]
    words += ["--config_file", files[0] if len(files) == 1 else _list(files)]
    for option, value in request.options.items():
        secret = option in IDENTIFYING or (isinstance(value, str) and USER_IN_URL.search(value))
        words += [f"--{option}", HIDDEN if secret else _typed(value)]
    return shlex.join(words)


def _typed(value: Any) -> str:
    """Return how a value is typed so that python-fire reads it."""
    from fire.parser import DefaultParseValue

    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return _list(value)
    text = str(value)
    return text if DefaultParseValue(text) == value else repr(text)


def _list(values: Sequence[Any]) -> str:
    return "[" + ",".join(repr(value) for value in values) + "]"


def _from_here(path: Path) -> str:
    here = Path(os.path.abspath(os.curdir))
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
