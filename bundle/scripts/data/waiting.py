"""Show that a command is alive while it loads or searches and has nothing to say yet."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType

FIRST = 0.7
"""Seconds before anything is shown on a terminal."""
STEP = 0.5
"""Seconds between updates on a terminal."""
LOG_STEP = 15.0
"""Seconds between lines where the output is no terminal."""


class Waiting:
    """Show on stderr what takes long, and for how many seconds it has.

    On a terminal one line is updated, and removed at the end. Elsewhere, as in a log, a line is written every 15
    seconds. The end is the end of the `with` block, or `over`, whichever comes first.

    Args:
        what: what is done, such as "Loading PyTorch and MONAI".
        quiet: whether nothing is shown. Defaults to False.
    """

    def __init__(self, what: str, quiet: bool = False) -> None:
        self.what = what
        self.quiet = quiet
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Waiting:
        global _current
        if not self.quiet and sys.stderr is not None:
            _current = self
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop, and remove the line."""
        global _current
        if _current is self:
            _current = None
        self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _show(self) -> None:
        start = time.monotonic()
        terminal = sys.stderr.isatty()
        shown, pause = False, FIRST if terminal else LOG_STEP
        try:
            while not self._over.wait(pause):
                text = f"{self.what} … {time.monotonic() - start:.0f} s"
                sys.stderr.write(f"\r\033[K{text}" if terminal else f"{text}\n")
                sys.stderr.flush()
                shown, pause = terminal, STEP if terminal else LOG_STEP
            if shown:
                sys.stderr.write("\r\033[K")
                sys.stderr.flush()
        except (OSError, ValueError):  # the reader has ended
            return


_current: Waiting | None = None
"""What is shown now, in a short command; MONAI's commands show nothing."""


def note(what: str) -> None:
    """Change what is shown, for instance to the number of files that were searched.

    Args:
        what: what is done.
    """
    if _current is not None:
        _current.what = what


def over() -> None:
    """End what is shown, because a progress bar or a line of the log takes its place."""
    if _current is not None:
        _current.end()


def over_before(record: logging.LogRecord) -> bool:
    """End what is shown before a line is logged; to be added to a handler as a filter."""
    if record.levelno >= logging.INFO:
        over()
    return True
