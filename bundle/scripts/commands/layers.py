"""Read layered configs as MONAI does, without importing it: the help of a command must not wait for torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts import BUNDLE_ROOT
from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json

CONFIGS = Path(BUNDLE_ROOT) / "configs"
STARTS = ("initialize", "finalize", "imports")
"""Sections that MONAI runs in addition to the one that is named."""
_MERGE, _PART = "+", "#"
_REFERENCE = re.compile(r"[@%]([a-zA-Z_]\w*(?:(?:#|::)\w+)*)")


def layered(files: Sequence[str | Path]) -> dict[str, Any]:
    """Return the content of layered configs.

    Args:
        files: the configs, in layer order.

    Raises:
        BadInputError: a file cannot be read, or does not fit those below it.
    """
    content: dict[str, Any] = {}
    for file in files:
        layer = read_json(file)
        if not isinstance(layer, dict):
            raise BadInputError(f"{file} is not a config: expected a JSON object with the options as keys.")
        for key, value in layer.items():
            merge, name = key.startswith(_MERGE), key.removeprefix(_MERGE).replace("::", _PART)
            try:
                _put(content, name.split(_PART), value, merge)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise BadInputError(f"{file} sets '{key}', which the configs before it do not have.") from error
    return content


def _put(content: Any, parts: Sequence[str], value: Any, merge: bool) -> None:
    *folders, last = parts
    for part in folders:
        content = content[int(part)] if isinstance(content, list) else content[part]
    key: Any = int(last) if isinstance(content, list) else last
    if merge and key in content:
        there = content[key]
        content[key] = {**there, **value} if isinstance(value, dict) else [*there, *value]
    else:
        content[key] = json.loads(json.dumps(value))


def used_keys(content: Mapping[str, Any], section: str) -> set[str]:
    """Return the top-level keys that a command reads, directly or through others.

    Args:
        content: the layered configs.
        section: the section that it runs.
    """
    found: set[str] = set()
    waiting = [section, *STARTS]
    while waiting:
        key = waiting.pop()
        if key in content and key not in found:
            found.add(key)
            waiting += _references(content[key])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(("$", "@", "%")):
        for name in _REFERENCE.findall(value):
            yield re.split("#|::", name)[0]
    else:
        parts: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for part in parts:
            yield from _references(part)
