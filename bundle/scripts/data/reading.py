"""What libraries warn of while they read a file: told once, in one line, with the name of the file."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("nibabel.global", "pydicom")
"""Loggers of libraries that read files. They do not name the file and repeat themselves."""


@contextmanager
def reading(file: str | os.PathLike[str]) -> Iterator[None]:
    """Collect what libraries warn of while they read a file, and warn of all of it at once.

    To be put around the calls of a library; warnings of one's own name their file themselves.

    Args:
        file: what is read.
    """
    records = _Records()
    loggers = [(logger, dict(vars(logger))) for logger in map(logging.getLogger, LIBRARIES)]
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        for logger, _ in loggers:
            logger.handlers, logger.propagate = [records], False
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, before in loggers:
                logger.handlers, logger.propagate = before["handlers"], before["propagate"]
                logger.setLevel(before["level"])
    messages = [*records.messages, *(str(warning.message) for warning in raised)]
    if messages:
        warnings.warn(f"{os.fspath(file)}: {'; '.join(dict.fromkeys(messages))}", stacklevel=3)


class _Records(logging.Handler):
    """Keeps the messages of warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
