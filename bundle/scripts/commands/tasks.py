"""Tasks: what the short commands do, as `configs/commands.json` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json

from .layers import CONFIGS

ARGUMENTS = CONFIGS / "tasks"
"""Folder of the `args_file` of each task, which MONAI reads as well."""


@dataclass(frozen=True)
class Task:
    """One short command.

    Args:
        name: the word after `fusioninn`.
        does: what it does, in one line.
        arguments: the option that each argument without a name sets, by the name that the help shows. In square
            brackets it may be left out; "sources#0" is the first entry of a list.
        runs: the task whose configs it runs. Defaults to "" (its own).
        variants: the name of an option that chooses between configs, and what each of its values is. The first value is
            the default. Defaults to none.
        switches: options without a value that make the command do something else, with configs of its own, and what
            that is. Defaults to none.
        hidden: options of the configs that the command does not take. Defaults to none.
        options: descriptions that differ from those of other tasks. Defaults to none.
        made: files below the output folder that it makes, where its code does not return them. Defaults to none.
        next: commands that are useful afterwards, and what they do. Ids in braces are replaced by their values.
    """

    name: str
    does: str
    arguments: Mapping[str, str]
    runs: str = ""
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    made: Sequence[str] = ()
    next: Mapping[str, str] = field(default_factory=dict)

    @property
    def choice(self) -> str | None:
        """The option that chooses between configs, or None."""
        return next(iter(self.variants), None)

    @property
    def values(self) -> list[str]:
        """The values of `choice`."""
        return list(self.variants[self.choice]) if self.choice else []

    @property
    def calls(self) -> list[str | None]:
        """What `args_file` takes: every value of `choice` (None for a task without a choice), and every switch."""
        return [*(self.values or [None]), *self.switches]

    def args_file(self, value: str | None = None) -> Path:
        """Return the `args_file` of MONAI that stands for the task.

        Args:
            value: of `choice`, or a switch. Defaults to None (the first value).
        """
        name = self.runs or self.name
        return ARGUMENTS / (f"{name}.json" if value in (None, *self.values[:1]) else f"{name}_{value}.json")

    def configs(self, value: str | None = None) -> tuple[list[Path], str]:
        """Return the configs that the task runs, in layer order, and the section.

        Args:
            value: of `choice`, or a switch. Defaults to None (the first value).
        """
        arguments = read_json(self.args_file(value))
        files = [CONFIGS.parent / file for file in arguments["config_file"]]
        return files, arguments.get("run_id", "run")


@cache
def tasks() -> dict[str, Task]:
    """Return all tasks by name."""
    return {name: Task(name, **content) for name, content in _commands()["tasks"].items()}


@cache
def _commands() -> Any:
    return read_json(CONFIGS / "commands.json")


def descriptions(task: Task) -> dict[str, dict[str, Any]]:
    """Return what `configs/commands.json` says about each option, as it is for one task.

    Args:
        task: the task.

    Returns:
        by name of the option: "does", and where given "kind", "choices" and "default".
    """
    found = {**_commands()["options"], **task.options}
    return {name: {"does": entry} if isinstance(entry, str) else dict(entry) for name, entry in found.items()}


def extra_config(name: str) -> Path:
    """Return a further config that the user names.

    Args:
        name: a path, or a name in the bundle's configs with or without ".json", such as "methods/mean".

    Raises:
        BadInputError: there is no such file.
    """
    for path in (Path(name).expanduser(), CONFIGS / name, CONFIGS / f"{name}.json"):
        if path.is_file():
            return path
    raise BadInputError(
        f"--config {name}: there is no such file, neither here nor in {CONFIGS}. Give the path of a JSON config."
    )
