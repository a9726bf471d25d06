"""Repeat a failed request a few times, with growing delays."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from scripts.data.errors import BadInputError

from .errors import PacsError

Answer = TypeVar("Answer")


class Attempts:
    """Repeat a task that failed for a temporary reason.

    Args:
        limit: how often it is tried in all. Defaults to 3.
        wait: seconds before the second time; twice as many before each further one. Defaults to 1.

    Raises:
        BadInputError: `limit` is not positive, or `wait` is negative.
    """

    def __init__(self, limit: int = 3, wait: float = 1.0) -> None:
        if limit < 1 or wait < 0:
            raise BadInputError(f"--pacs_attempts ({limit}) must be at least 1 and --pacs_wait ({wait}) at least 0.")
        self.limit = limit
        self.wait = wait

    def __call__(self, task: Callable[[], Answer]) -> Answer:
        """Return what `task` returns.

        Raises:
            PacsError: the last one of `task`, or the first that is not temporary.
        """
        for attempt in range(1, self.limit):
            try:
                return task()
            except PacsError as error:
                if not error.temporary:
                    raise
                wait = self.wait * 2 ** (attempt - 1)
                told = f"{error} Trying again in {wait:g} s (attempt {attempt} of {self.limit})."
                logging.getLogger(__name__).warning(told)
                time.sleep(wait)
        return task()
