"""Errors of a PACS."""

from __future__ import annotations

from scripts.data.errors import BadInputError


class PacsError(BadInputError):
    """A PACS did not answer, refused, or gave an invalid answer.

    Args:
        message: what happened, and the remedy.
        temporary: the same request may be granted a little later. Defaults to False.
    """

    def __init__(self, message: str, temporary: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary
