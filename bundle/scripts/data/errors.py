"""The error for everything that is wrong with what the user gave, not with the program."""

from __future__ import annotations


class BadInputError(ValueError):
    """Input that cannot be used. Its message names the file, what was expected and the remedy."""
