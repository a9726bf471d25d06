"""Show that a command is alive while it loads or searches and has nothing to say yet."""

from __future__ import annotations

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
    """Tell on stderr what takes long, and for how many seconds it has.

    On a terminal one line is updated and removed at the end. Elsewhere, as in a log, there is a line every 15 seconds.

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
        if not self.quiet and sys.stderr is not None:
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _show(self) -> None:
        start = time.monotonic()
        terminal = sys.stderr.isatty()
        shown = False
        pause = FIRST if terminal else LOG_STEP
        try:
            while not self._over.wait(pause):
                seconds = time.monotonic() - start
                sys.stderr.write(f"\r{self.what} … {seconds:.0f} s" if terminal else f"{self.what} … {seconds:.0f} s\n")
                sys.stderr.flush()
                shown, pause = terminal, STEP if terminal else LOG_STEP
            if shown:
                sys.stderr.write("\r\033[K")
                sys.stderr.flush()
        except (OSError, ValueError):  # the reader has ended
            return
