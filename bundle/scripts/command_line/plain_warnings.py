"""Log each warning for the user once, in one line without source code."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TextIO

OWN_CODE = "scripts."
"""Prefix of the bundle's module names."""


def install_plain_warnings() -> None:
    """Log each distinct warning of the bundle's code once, in one line; those of libraries at level DEBUG.

    Python prints a warning in two lines, with a path and a line of code that do not help the user, and repeats it if a
    library resets the filters. Warnings of libraries about a file are passed on by `reading`, which adds the name of
    the file.
    """
    warnings.showwarning = _Log()


class _Log:
    """Replacement for `warnings.showwarning`."""

    def __init__(self) -> None:
        self.shown: set[str] = set()
        self.logger = logging.getLogger(__name__)

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(str(message).split())
        if text in self.shown:
            return
        self.shown.add(text)
        if issubclass(category, UserWarning) and _raised_by_own_code():
            self.logger.warning(text)
        else:
            self.logger.debug(f"{filename}:{lineno}: {category.__name__}: {text}")


def _raised_by_own_code() -> bool:
    """Whether the function that called `warnings.warn` belongs to the bundle, regardless of `stacklevel`."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in (__file__, warnings.__file__):
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__", "")).startswith(OWN_CODE)
