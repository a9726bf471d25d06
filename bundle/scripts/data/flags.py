"""Parse yes and no from a command line."""

from __future__ import annotations

from .errors import BadInputError


def is_true(flag: bool | int | str | None) -> bool:
    """Parse a yes or no from a command line: true, True, 1 or "yes".

    Raises:
        BadInputError: when it is neither yes nor no.
    """
    text = str(flag).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off", "none", ""):
        return False
    raise BadInputError(f"expected true or false, got '{flag}'.")
