"""A request: one short command, read from the words of the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from scripts.data.errors import BadInputError

from .layers import layered
from .options import Option, options_of
from .tasks import Task, extra_config, tasks
from .values import FLAG_WORDS, free_value, read_value

LEVELS = ("quiet", "verbose")
"""Options that choose how much is logged; without them, progress, results and warnings."""
BEGINNING = 4
"""Letters from which on a word counts as the beginning of another."""
_OPTION = re.compile(r"^--?[a-zA-Z]")


@dataclass(frozen=True)
class Request:
    """What a user asked for.

    Args:
        task: the task.
        files: configs, in layer order.
        section: the section to run.
        options: given values by id.
        level: "quiet", "normal" or "verbose". Defaults to "normal".
        help: whether the help of the task is asked for. Defaults to False.
        known: all options of the task.
        variant: the value of the task's `choice`, or its switch. Defaults to None.
        extra: configs that the user added. Defaults to none.
    """

    task: Task
    files: Sequence[Path]
    section: str
    options: Mapping[str, Any]
    known: Mapping[str, Option]
    level: str = "normal"
    help: bool = False
    variant: str | None = None
    extra: Sequence[str] = field(default_factory=tuple)


def read_request(name: str, words: Sequence[str]) -> Request:
    """Read a command.

    Args:
        name: the task, as typed.
        words: what follows it.

    Raises:
        BadInputError: a word cannot be used; the message names the nearest one that can.
    """
    task = find_task(name)
    chosen, _ = _chooser(task).parse_known_args(words)
    variant = _variant(task, chosen)
    extra = [extra_config(one) for one in chosen.config or ()]
    files, section = task.configs(variant)
    files = [*files, *extra]
    known = options_of(task, files, section)
    parser = _Parser(prog=f"fusioninn {task.name}", add_help=False, allow_abbrev=False)
    add_options(parser, task, known)
    words = _with_flags_complete(words, known)
    nested = _nested(words)
    for option in nested:
        parser.add_argument(f"--{option}", dest=option, action=Once, default=None)
    given, others = parser.parse_known_args(words)
    if given.help:
        return Request(task, files, section, {}, known, help=True, variant=variant)
    for word in others:
        if _OPTION.match(word):
            raise BadInputError(_unknown(word, task, known, files))
    if given.quiet and given.verbose:
        raise BadInputError("--quiet and --verbose contradict each other. Give one of them.")
    texts = {option: getattr(given, option) for option in known if getattr(given, option) is not None}
    options = {option: read_value(known[option], text) for option, text in texts.items()}
    content = layered(files) if nested else {}
    for option in nested:
        if re.split("#|::", option)[0] not in content:
            raise BadInputError(_unknown(f"--{option}", task, known, files))
        options[option] = free_value(getattr(given, option))
    usage = f"the command is fusioninn {call_words(task, known, variant)}."
    options |= _of_arguments(task, known, options, [word for word in others if word != "--"], words, usage)
    level = next((level for level in LEVELS if getattr(given, level)), "normal")
    return Request(task, files, section, options, known, level, variant=variant, extra=chosen.config or ())


def find_task(name: str) -> Task:
    """Return a task by its name, with "-" or "_".

    Raises:
        BadInputError: there is no such task.
    """
    found = tasks().get(name.replace("-", "_"))
    if found is None:
        raise BadInputError(
            f"'{name}' is not a task of fusioninn.{did_you_mean(name, tasks())} fusioninn --help lists all tasks."
        )
    return found


def did_you_mean(name: str, known: Sequence[str] | Mapping[str, Any], prefix: str = "") -> str:
    """Return the question that names the nearest known word, after a space, or nothing."""
    name = name.replace("-", "_")
    begins = [one for one in known if len(name) >= BEGINNING and one.startswith(name)]
    nearest = begins or get_close_matches(name, list(known), 1)
    return f" Did you mean {prefix}{nearest[0]}?" if nearest else ""


class Once(argparse.Action):
    """Store a value, once."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        """Store it.

        Raises:
            BadInputError: it was given before.
        """
        if getattr(namespace, self.dest, None) is not None:
            raise BadInputError(f"{option} is given twice. Give it once.")
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        """Raise.

        Raises:
            BadInputError: always.
        """
        missing = re.match(r"argument (--\w\S*?)(?:/\S+)?: expected one argument", message)
        raise BadInputError(f"{missing[1]} has no value. Give one: {missing[1]} VALUE." if missing else f"{message}.")


def add_options(parser: argparse.ArgumentParser, task: Task, known: Mapping[str, Option], hyphens: bool = True) -> None:
    """Add the options of a task to a parser.

    Args:
        parser: the parser.
        task: the task.
        known: its options.
        hyphens: whether "--fused-dtype" is another way to write "--fused_dtype". Defaults to True.
    """
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--config", action="append", metavar="FILE")
    _add_choices(parser, task)
    for option in known.values():
        names = dict.fromkeys([f"--{option.name}", f"--{option.name.replace('_', '-' if hyphens else '_')}"])
        parser.add_argument(*names, dest=option.name, action=Once, default=None)


def _chooser(task: Task) -> argparse.ArgumentParser:
    """Return a parser of the options that say which configs are read, on which all others depend."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", action="append")
    _add_choices(parser, task)
    return parser


def _add_choices(parser: argparse.ArgumentParser, task: Task) -> None:
    if task.choice:
        parser.add_argument(f"--{task.choice}", action=Once)
    for switch in task.switches:
        parser.add_argument(f"--{switch}", action="store_true")


def _variant(task: Task, chosen: argparse.Namespace) -> str | None:
    """Return the value of the task's choice, or the switch that is on, or None."""
    switches = [switch for switch in task.switches if getattr(chosen, switch)]
    if len(switches) > 1:
        raise BadInputError(f"{' and '.join(f'--{switch}' for switch in switches)} exclude each other. Give one.")
    if switches:
        return switches[0]
    value = getattr(chosen, task.choice) if task.choice else None
    if value is not None:
        value = value.replace("-", "_")
        if value not in task.values:
            allowed = ", ".join(task.values)
            raise BadInputError(
                f"--{task.choice} is '{value}', expected one of {allowed}.{did_you_mean(value, task.values)}"
            )
    return value


def _with_flags_complete(words: Sequence[str], known: Mapping[str, Option]) -> list[str]:
    """Give flags without a value the value true, so that `--report DIR` does not take DIR as its value."""
    complete = []
    for word, follows in zip(words, [*words[1:], "--"][: len(words)], strict=True):
        option = known.get(word.lstrip("-").replace("-", "_")) if word.startswith("--") else None
        bare = option is not None and option.kind == "flag" and follows.lower() not in FLAG_WORDS
        complete.append(f"{word}=true" if bare else word)
    return complete


def _nested(words: Sequence[str]) -> list[str]:
    """Return the options that set a part of a section, such as `--network_def#blocks`."""
    names = (word[2:].partition("=")[0] for word in words if word.startswith("--"))
    return list(dict.fromkeys(name for name in names if "#" in name or "::" in name))


def _unknown(word: str, task: Task, known: Mapping[str, Option], files: Sequence[Path]) -> str:
    name = word.lstrip("-").partition("=")[0].replace("-", "_")
    told = f"{word.partition('=')[0]} is not an option of fusioninn {task.name}."
    there = [
        other.name
        for other in tasks().values()
        if any(name in (*options_of(other, *other.configs(call)), other.choice, call) for call in other.calls)
    ]
    if name in layered(files):
        return f"{told} It has no effect in this task, or is set by it. Leave it out."
    question = did_you_mean(name, [*known, *LEVELS, "config", "help", *task.variants, *task.switches], "--")
    if there:
        return f"{told} It is an option of fusioninn {', '.join(list(dict.fromkeys(there))[:3])}.{question}"
    return f"{told}{question} fusioninn {task.name} --help lists all options."


def _of_arguments(
    task: Task,
    known: Mapping[str, Option],
    options: Mapping[str, Any],
    words: Sequence[str],
    line: Sequence[str],
    usage: str,
) -> dict[str, Any]:
    """Return the options that arguments without a name set. An option that was given by its name has no argument.

    Args:
        task: the task.
        known: its options.
        options: those that were given by name.
        words: the arguments without a name.
        line: all words, for messages.
        usage: how the command is written, for messages.
    """
    places = {
        shown: place
        for shown, place in task.arguments.items()
        if place.partition("#")[0] in known and place.partition("#")[0] not in options
    }
    needed = [shown for shown in places if not shown.startswith("[")]
    if len(words) > len(places):
        for before, word in pairwise(line):
            if before.endswith("=true") and word in words:
                raise BadInputError(f"{before.removesuffix('=true')} is '{word}', expected true or false.")
        raise BadInputError(
            f"'{words[len(places)]}' cannot be used: {usage} Write lists as a,b, and patterns with * in quotes."
        )
    if len(words) < len(needed):
        hint = " To try it with the digital phantom: fusioninn demo OUT." if task.name == "fuse" and not words else ""
        raise BadInputError(f"{needed[len(words)]} is missing: {usage}{hint}")
    found: dict[str, Any] = {}
    for (_, place), word in zip(places.items(), words, strict=False):
        option, _, entry = place.partition("#")
        if entry:
            found.setdefault(option, []).append(word)
        else:
            found[option] = read_value(known[option], word)
    return found


def call_words(task: Task, known: Mapping[str, Option] | None = None, variant: str | None = None) -> str:
    """Return how a task is written, with its arguments.

    Args:
        task: the task.
        known: the options of the call; arguments that set others are left out. Defaults to None (all arguments).
        variant: the value of the task's choice, or its switch. Defaults to None.
    """
    places = task.arguments.items()
    arguments = [shown for shown, place in places if known is None or place.partition("#")[0] in known]
    return " ".join([task.name, *arguments, *([f"--{variant}"] if variant in task.switches else [])])
