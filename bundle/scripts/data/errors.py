"""Errors whose message says all: for what the user gave, and for results that fail a check of the program."""

from __future__ import annotations


class BadInputError(ValueError):
    """Input that cannot be used. Its message names the file, what was expected and the remedy."""


class InternalError(RuntimeError):
    """A check of the program on its own results failed. Its message names the file and asks for a report."""
