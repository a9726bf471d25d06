"""What was typed must be what MONAI's command line made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scripts.data.errors import BadInputError

from .call import Call

OPTION = re.compile(r"^(--|-[a-zA-Z])")
"""What python-fire takes for an option, not for a value."""


def check_typed(call: Call) -> None:
    """Refuse options given twice, and values that lose a part on the command line.

    python-fire keeps the last of two values, and reads ``801#1`` as Python: as 801 with a comment.

    Raises:
        BadInputError: naming the option.
    """
    seen = set()
    for option, text in typed_options(call.typed):
        if option in seen:
            raise BadInputError(f"--{option} is given twice. Give it once.")
        seen.add(option)
        value = call.options.get(option)
        if text is not None and "#" in text and "#" not in str(value):
            raise BadInputError(
                f"--{option} {text} was read as {value}, because # begins a comment there. Put the value into two "
                f"pairs of quotes: --{option} '\"{text}\"'."
            )


def typed_options(typed: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield the options of a command line in their order, with the text of their values.

    Args:
        typed: arguments, as the shell gives them.
    """
    for index, argument in enumerate(typed):
        if OPTION.match(argument):
            name, equals, text = argument.lstrip("-").partition("=")
            if not equals:
                follows = typed[index + 1] if index + 1 < len(typed) else "--"
                text = None if OPTION.match(follows) else follows
            yield name.replace("-", "_"), text
