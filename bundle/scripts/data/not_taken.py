"""Collect the image files that are skipped, with the reason for each."""

from __future__ import annotations

import logging
from collections import defaultdict

from .safe_names import shown

logger = logging.getLogger(__name__)

SHOWN = 10
"""Files shown for each reason; all are shown at log level DEBUG."""
_LONGEST = 300


class NotTaken:
    """Collect skipped files by reason."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}
        self._surprising: set[str] = set()
        self._by_folder: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, file: str, surprising: bool = False) -> None:
        """Note a file.

        Args:
            reason: why it is skipped.
            file: path within the data set's folder.
            surprising: log it as a warning. Defaults to False (log it as information).
        """
        self._files.setdefault(reason, []).append(shown(file, _LONGEST))
        if surprising:
            self._surprising.add(reason)
            folder, _, name = file.rpartition("/")
            self._by_folder[folder].append(f"{shown(name)} ({reason})")

    def in_folder(self, folder: str) -> list[str]:
        """Return names and reasons of the surprising files that lie in a folder."""
        return self._by_folder.get(folder, [])

    def lines(self) -> list[str]:
        """Return a line for each reason, with the first files."""
        return [_line(reason, files) for reason, files in self._files.items()]

    def log(self) -> None:
        """Log one warning for surprising files and one message for the others; every file at DEBUG."""
        for level in (logging.WARNING, logging.INFO):
            of_level = [
                (reason, files)
                for reason, files in self._files.items()
                if (reason in self._surprising) == (level == logging.WARNING)
            ]
            if of_level:
                count = sum(len(files) for _, files in of_level)
                lines = "".join(f"\n- {_line(reason, files)}" for reason, files in of_level)
                logger.log(level, "%d image file(s) skipped:%s", count, lines)
        for reason, files in self._files.items():
            for file in files:
                logger.debug("skipped: %s: %s", file, reason)


def _line(reason: str, files: list[str]) -> str:
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return f"{len(files)} × {reason}: {', '.join(files[:SHOWN])}{more}"
