"""`fusioninn TASK …`: read the command, show help at once, and run the task."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from scripts import BUNDLE_ROOT, __version__
from scripts.data.errors import BadInputError

from .help_text import overview, task_help
from .request import read_request

USAGE_ERROR = 2
"""Exit code of a command that was not understood. A task that failed ends with 1, a stopped one with 130 or 143."""


def main(words: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        words: what follows the name of the program. Defaults to None (those of this process).

    Returns:
        the exit code.
    """
    words = list(sys.argv[1:] if words is None else words)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a log in ASCII must not end the command
    program = program_name()
    if "_ARGCOMPLETE" in os.environ:
        from .completion import complete

        complete()
    try:
        if not words or words[0] in ("-h", "--help", "help"):
            return _say(_help(words[1:], program) if words[:1] == ["help"] else overview(program))
        if words[0] in ("-V", "--version"):
            return _say(__version__)
        if words == ["where"]:
            return _say(BUNDLE_ROOT)
        if words[0] == "completion":
            from .completion import shell_code

            return _say(shell_code(words[1:]))
        request = read_request(*_task_first(words))
        if request.help:
            return _say(task_help(request, program))
    except BadInputError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"Error: {error}\n")
        return USAGE_ERROR
    from .run import run

    return run(request, program)


def program_name() -> str:
    """Return how this program was called, for commands that can be pasted."""
    called = Path(sys.argv[0])
    return f"python -m {called.parent.name}" if called.name in ("__main__.py", "-m") else "fusioninn"


def _help(words: Sequence[str], program: str) -> str:
    return task_help(read_request(words[0], ["--help"]), program) if words else overview(program)


def _task_first(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the task and the other words; --quiet and --verbose may stand before the task."""
    before = [word for word in words if not word.startswith("-")][:1]
    if not before:
        raise BadInputError(f"the task is missing before {words[0]}. fusioninn --help lists all tasks.")
    place = list(words).index(before[0])
    return before[0], [*words[:place], *words[place + 1 :]]


def _say(text: str) -> int:
    if sys.stdout is None:  # closed by the caller
        return 0
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
