"""Errors that are shown to the user without a traceback: bad input, and bugs of the bundle."""

from __future__ import annotations


class BadInputError(ValueError):
    """Input that cannot be used. The message names the file, what was expected and the remedy."""


class InternalError(RuntimeError):
    """A check of the bundle on its own results failed: a bug of the bundle, not bad input.

    Nothing was written. The message states what was checked, on which file, and both values. A request to report the
    bug is added when the message is shown.
    """


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite."""
