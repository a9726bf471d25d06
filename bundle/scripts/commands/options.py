"""Options of a task: the keys at the top of its configs that a user may set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.data.strict_json import read_json

from .layers import CONFIGS, layered, used_keys
from .tasks import Task, descriptions

HIDDEN = ("bundle_root",)
"""Keys that tools set, not users."""
KINDS = {
    "flag": "true|false",
    "number": "N",
    "list": "A,B",
    "paths": "PATH,PATH",
    "path": "PATH",
    "text": "TEXT",
    "auto": "VALUE",
}
"""Kinds of values, as the help shows them. "auto" may be a list or a number as well as a word."""
_BELOW = re.compile(r"^\$@(\w+) \+ '/(.*)'$")
_DEVICE = re.compile(r"^\$torch\.device\(")
_ALIAS = re.compile(r"^@(\w+)$")
_FOLDERS = {"bundle_root": "bundle", "dataset_dir": "DIR"}


@dataclass(frozen=True)
class Option:
    """One option.

    Args:
        name: the key in the configs.
        default: its value there.
        does: what it does, in one line. Empty for keys that only a user's own config has.
        kind: one of `KINDS`.
        choices: allowed values. Defaults to none (any).
        shown: the default in words. Defaults to "" (derived from `default`).
        config: the config that has it first.
    """

    name: str
    default: Any
    does: str
    kind: str
    choices: tuple[str, ...] = ()
    shown: str = ""
    config: str = ""

    @property
    def shown_default(self) -> str:
        """The default, as the help shows it."""
        return self.shown or _shown(self.default)

    @property
    def shown_values(self) -> str:
        """What may follow the option, as the help shows it."""
        return "|".join(self.choices) if self.choices else KINDS[self.kind]


def is_value(value: Any) -> bool:
    """Whether a key of a config is a value that a user may set, not a component or a step.

    Args:
        value: its value.
    """
    if isinstance(value, str):
        return not value.startswith(("$", "@", "%")) or any(one.match(value) for one in (_BELOW, _DEVICE, _ALIAS))
    if isinstance(value, list):
        return bool(value) and all(is_value(one) and not isinstance(one, list) for one in value)
    return not isinstance(value, dict)


def options_of(task: Task, files: Sequence[Path], section: str) -> dict[str, Option]:
    """Return the options of a task, those of the most specific config first.

    Args:
        task: the task.
        files: its configs, in layer order.
        section: the section that it runs.
    """
    content = layered(files)
    used = used_keys(content, section)
    known = descriptions(task)
    first: dict[str, Path] = {}
    for file in files:
        for key in layered_keys(file):
            first.setdefault(key, file)
    found: dict[str, Option] = {}
    for file in reversed(files):
        for key, value in content.items():
            described = known.get(key)
            hidden = key in HIDDEN or key in task.hidden or key not in used
            settable = is_value(value) or (described is not None and isinstance(value, str))
            if first.get(key) == file and settable and not hidden:
                found[key] = _option(key, value, described or {}, file)
    return found


def layered_keys(file: Path) -> list[str]:
    """Return the top-level keys that a config sets, without parts of sections."""
    return [key.removeprefix("+") for key in read_json(file) if "#" not in key and "::" not in key]


def _option(name: str, default: Any, described: Mapping[str, Any], file: Path) -> Option:
    return Option(
        name=name,
        default=default,
        does=described.get("does", ""),
        kind=described.get("kind") or _kind(default),
        choices=tuple(described.get("choices", ())),
        shown=described.get("default", ""),
        config=file.relative_to(CONFIGS).as_posix() if file.is_relative_to(CONFIGS) else file.as_posix(),
    )


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "flag"
    if isinstance(default, (int, float)):
        return "number"
    if isinstance(default, list):
        return "list"
    if isinstance(default, str) and default.startswith("$") and not _DEVICE.match(default):
        return "path"
    return "auto" if default is None or default == "auto" else "text"


def _shown(default: Any) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return ",".join(map(_shown, default))
    if isinstance(default, str):
        below, alias = _BELOW.match(default), _ALIAS.match(default)
        if below:
            return f"{_FOLDERS.get(below[1], below[1])}/{below[2]}"
        if alias:
            return f"as --{alias[1]}"
        if default.startswith("$"):
            return "the GPU if there is one" if _DEVICE.match(default) else "computed"
    return str(default)
