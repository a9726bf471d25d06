"""From the words of a command line to values of options."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true

from .options import KINDS, Option

EXPRESSION = ("$", "@", "%")
"""Values that begin so are expressions of MONAI, which reads them."""
FLAG_WORDS = ("true", "false", "yes", "no", "on", "off", "1", "0")
"""Words that are the value of a flag, and not the next argument."""


def read_value(option: Option, text: str) -> Any:
    """Return the value that a text means for an option.

    Args:
        option: the option.
        text: the word of the command line.

    Raises:
        BadInputError: the text is no such value.
    """
    if text.startswith(EXPRESSION):
        return text
    if option.choices:
        return _choice(option, text)
    return _READERS[option.kind](option, text)


def free_value(text: str) -> Any:
    """Return the value of a key inside a section, such as `--network_def#blocks 4`: a Python literal, or the text.

    Args:
        text: the word of the command line.
    """
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _choice(option: Option, text: str) -> str:
    found = next((choice for choice in option.choices if choice.lower() == text.lower()), None)
    if found is None:
        raise BadInputError(f"--{option.name} is '{text}', expected one of {', '.join(option.choices)}.")
    return found


def _flag(option: Option, text: str) -> bool:
    try:
        return is_true(text)
    except BadInputError as error:
        raise BadInputError(f"--{option.name} is '{text}', expected true or false.") from error


def _number(option: Option, text: str) -> int | float:
    if "_" not in text:  # which Python allows in numbers
        for kind in (int, float):
            try:
                number = kind(text)
            except ValueError:
                continue
            if math.isfinite(number):
                return number
    raise BadInputError(f"--{option.name} is '{text}', expected a number.")


def _list(option: Option, text: str) -> list[Any]:
    literal = _literal_list(option, text)
    return [_entry(option, part.strip()) for part in text.split(",")] if literal is None else literal


def _paths(option: Option, text: str) -> list[str] | str:
    literal = _literal_list(option, text)
    if literal is not None:
        return [str(one) for one in literal]
    return text if "," not in text or Path(text).expanduser().exists() else [part.strip() for part in text.split(",")]


def _path(option: Option, text: str) -> str:
    if not text:
        raise BadInputError(f"--{option.name} is empty. Give a {KINDS['path'].lower()}: --{option.name} PATH.")
    return text


def _text(_option: Option, text: str) -> str:
    return text


def _auto(_option: Option, text: str) -> Any:
    value = free_value(text)
    return list(value) if isinstance(value, tuple) else value


def _literal_list(option: Option, text: str) -> list[Any] | None:
    if not text.startswith(("[", "(")):
        return None
    try:
        return list(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise BadInputError(
            f"--{option.name} is '{text}', which is not a complete list. Write a,b or \"['a','b']\"."
        ) from error


def _entry(option: Option, text: str) -> Any:
    if not text:
        raise BadInputError(f"--{option.name} has an empty entry. Separate the entries by one comma: a,b.")
    value = free_value(text)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else text


_READERS: dict[str, Callable[[Option, str], Any]] = {
    "flag": _flag,
    "number": _number,
    "list": _list,
    "paths": _paths,
    "path": _path,
    "text": _text,
    "auto": _auto,
}
