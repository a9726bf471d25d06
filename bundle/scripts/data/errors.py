"""The errors that a user sees without a traceback: one for what was given, one for faults of the bundle itself."""

from __future__ import annotations


class BadInputError(ValueError):
    """Input that cannot be used. Its message names the file, what was expected and the remedy."""


class InternalError(RuntimeError):
    """A check of the bundle on its own results failed: a fault of the bundle, not of the input.

    Nothing was written. The message says what was checked, on which file, with both values; a request to report it is
    added where the message is shown.
    """


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite."""
