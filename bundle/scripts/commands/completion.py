"""Completion of tasks, options and files in bash, zsh and fish, by argcomplete."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence

from scripts.data.errors import BadInputError

from .layers import CONFIGS
from .options import options_of
from .request import add_options
from .tasks import ARGUMENTS, tasks

NO_CONFIGS = ("metadata.json", "commands.json")
SHELLS = ("bash", "zsh", "fish")
INSTALL = "completion needs the package argcomplete. Install it: pip install argcomplete"


def complete() -> None:
    """Answer the shell that asks for completions, and end."""
    import argcomplete

    argcomplete.autocomplete(completing_parser(os.environ.get("COMP_LINE", "")))


def shell_code(words: Sequence[str]) -> str:
    """Return what a shell needs, for `eval "$(fusioninn completion bash)"`.

    Args:
        words: the name of the shell.

    Raises:
        BadInputError: the shell is unknown, or argcomplete is not installed.
    """
    if list(words) not in [[shell] for shell in SHELLS]:
        raise BadInputError(f"name your shell: fusioninn completion {'|'.join(SHELLS)}.")
    try:
        import argcomplete
    except ImportError as error:
        raise BadInputError(INSTALL) from error
    return argcomplete.shellcode(["fusioninn"], shell=words[0])


def completing_parser(line: str) -> argparse.ArgumentParser:
    """Return a parser of all tasks, for argcomplete.

    Args:
        line: the command line so far, which may choose a recipe.
    """
    parser = argparse.ArgumentParser(prog="fusioninn", add_help=False)
    found = parser.add_subparsers()
    for name in ("where", "completion"):
        found.add_parser(name)
    for task in tasks().values():
        one = found.add_parser(task.name, add_help=False)
        if task.name not in line.split():
            continue
        words = re.findall(rf"--(?:{task.choice}[ =])?(\w+)", line)
        known = options_of(task, *task.configs(next((call for call in task.calls if call in words), None)))
        add_options(one, task, known, hyphens=False)
        for shown in task.arguments:
            one.add_argument(shown, nargs="?")
        for action in one._actions:
            option = known.get(action.dest)
            if option is not None and (option.choices or option.kind == "flag"):
                action.choices = option.choices or ("true", "false")
            if action.dest == task.choice:
                action.choices = task.values
            if action.dest == "config":
                action.completer = _configs
    return parser


def _configs(**_: object) -> list[str]:
    """Name the configs of the bundle."""
    found = (path for path in sorted(CONFIGS.rglob("*.json")) if path.name not in NO_CONFIGS)
    return [path.relative_to(CONFIGS).with_suffix("").as_posix() for path in found if path.parent != ARGUMENTS]
