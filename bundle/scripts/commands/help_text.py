"""The help of the short commands, and the page of the manual with the same text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap

from scripts import RESEARCH_NOTICE, __version__

from .options import Option
from .request import Request, call_words
from .tasks import Task, tasks

OF_EVERY_TASK = {
    "--config FILE": "a further config on top: a path, or a name such as methods/mean or distributed",
    "-q, --quiet": "warnings and errors only",
    "-v, --verbose": "more in the log, and the MONAI command that runs",
    "-h, --help": "this help",
}
"""Options that no config has, and what they do."""
OTHERS = {
    "where": "print the folder of the bundle",
    "completion SHELL": "print what your bash, zsh or fish needs to complete commands",
}
"""What `fusioninn` does without a config."""
_INDENT = "  "


def overview(program: str) -> str:
    """Return the help of `fusioninn` itself.

    Args:
        program: how it was called, such as "python -m fusioninn".
    """
    named = [(call_words(task), task.does) for task in tasks().values()]
    return "\n".join(
        [
            f"FusionINN {__version__}: fuse registered images into one, and take it apart again. {RESEARCH_NOTICE}",
            "",
            f"{program} TASK …",
            "",
            *_table([*named, *OTHERS.items()]),
            "",
            f"{program} TASK --help lists the options of a task. {program} --version prints the version.",
        ]
    )


def task_help(request: Request, program: str) -> str:
    """Return the help of a task.

    Args:
        request: the request for help, which names the configs.
        program: how it was called.
    """
    task = request.task
    words = call_words(task, request.known, request.variant)
    does = task.switches.get(request.variant or "", task.does)
    lines = [f"{program} {words} [OPTIONS]", "", f"{capital(does)}. {RESEARCH_NOTICE}", ""]
    if task.choice:
        first, *_ = task.values
        lines.append(f"--{task.choice} (default {first}; options below are those of {request.variant or first}):")
        lines += [*_table(list(task.variants[task.choice].items())), ""]
    if task.switches and request.variant is None:
        lines.append("Instead of this work, each with --help of its own:")
        lines += [*_table([(f"--{name}", does) for name, does in task.switches.items()]), ""]
    for config, options in _by_config(request.known.values()):
        lines += [f"Options of {config}:", *_table([row(option, _arguments(task)) for option in options]), ""]
    lines += ["Options of every task:", *_table(list(OF_EVERY_TASK.items()))]
    lines += ["", "Parts of a section are set by its path, such as --network_def#blocks 4."]
    return "\n".join(lines)


def row(option: Option, arguments: Mapping[str, str]) -> tuple[str, str]:
    """Return an option, its default and what it does, as a row of a table.

    Args:
        option: the option.
        arguments: the arguments without a name that set options, by option.
    """
    shown = arguments.get(option.name, option.shown_default)
    default = f"[{shown.strip('[]')}, or {option.shown_default}]" if shown.startswith("[") else f"[{shown}]"
    values = f" ({', '.join(option.choices)})" if option.choices else ""
    return f"--{option.name} {default}", f"{option.does or 'set in your config'}{values}"


def _arguments(task: Task) -> dict[str, str]:
    found: dict[str, str] = {}
    for shown, place in task.arguments.items():
        option = place.partition("#")[0]
        found[option] = f"{found[option]} {shown}" if option in found else shown
    return found


def _by_config(options: Sequence[Option]) -> Iterator[tuple[str, list[Option]]]:
    for config, found in groupby(options, lambda option: option.config):
        yield config, list(found)


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return rows in two columns; on a narrow terminal the second one is wrapped."""
    width = min(max((len(first) for first, _ in rows), default=0), 44)
    room = max(shutil.get_terminal_size((160, 24)).columns - width - 2 * len(_INDENT), 30)
    lines = []
    for first, second in rows:
        head, *rest = wrap(second, room) or [""]
        lines.append(f"{_INDENT}{first.ljust(width)}{_INDENT}{head}".rstrip())
        lines += [f"{_INDENT}{' ' * width}{_INDENT}{line}" for line in rest]
    return lines
