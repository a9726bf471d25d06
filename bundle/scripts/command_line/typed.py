"""What was typed must be what MONAI's command line made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from monai.bundle import ConfigParser

from scripts.data.errors import BadInputError

from .call import Call

OPTION = re.compile(r"^(--|-[a-zA-Z])")
"""What python-fire parses as an option, not as a value."""


def check_typed(call: Call, parser: ConfigParser) -> None:
    """Refuse options given twice, and values that the command line changes.

    python-fire keeps the last of two values, and reads them as Python: ``801#1`` is 801 with a comment, ``1_0`` is 10.

    Args:
        call: the command.
        parser: its layered config files, without its options.

    Raises:
        BadInputError: an option is given twice or changed; the message names it.
    """
    seen = set()
    for option, text in typed_options(call.typed):
        if option in seen:
            raise BadInputError(f"--{option} is given twice. Give it once.")
        seen.add(option)
        value = call.options.get(option)
        if text is None or text == str(value):
            continue
        if "#" in text and "#" not in str(value):
            why = "because # begins a comment there"
        elif _is_number(value) and _is_text(parser.get(option)):
            why = "a number"
        else:
            continue
        raise BadInputError(
            f"--{option} {text} was read as {value}, {why}. Put the value in two pairs of quotes: "
            f"--{option} '\"{text}\"'."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(default: Any) -> bool:
    """Whether an option is not one of numbers, as far as its own value says; null may be text."""
    return default is None or (isinstance(default, str) and not default.startswith(("$", "@", "%")))


def typed_options(typed: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield the options of a command line in order, with the text of their values.

    Args:
        typed: arguments from the shell.
    """
    for index, argument in enumerate(typed):
        if OPTION.match(argument):
            name, equals, text = argument.lstrip("-").partition("=")
            if not equals:
                follows = typed[index + 1] if index + 1 < len(typed) else "--"
                text = None if OPTION.match(follows) else follows
            yield name.replace("-", "_"), text
