"""Progress through many items: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

from .waiting import over

LOG_STEP = 30.0
"""Seconds between lines where the output is no terminal."""
T = TypeVar("T")


def bar_hidden() -> bool | None:
    """Return tqdm's `disable`: True in all processes but the first and with --quiet, else None (only on a terminal)."""
    quiet = logging.getLogger("scripts").level > logging.INFO
    return True if quiet or not first_process() else None


def first_process() -> bool:
    """Whether this is the only process, or the first of several that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def with_progress(items: Sequence[T], what: str, unit: str = "patient") -> Iterator[T]:
    """Yield items, and show how many are done.

    Args:
        items: to go through.
        what: what is done, such as "Reading patients".
        unit: what an item is. Defaults to "patient".
    """
    over()
    hidden = bar_hidden()
    if hidden or sys.stderr.isatty():
        yield from tqdm(items, desc=what, unit=unit, disable=hidden)
    else:
        yield from _logged(items, len(items), what, unit)


def _logged(items: Iterable[T], total: int, what: str, unit: str) -> Iterator[T]:
    last = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - last >= LOG_STEP:
            last = time.monotonic()
            logging.getLogger(__name__).info(f"{what}: {done:,} of {total:,} {unit}s.")
        yield item
