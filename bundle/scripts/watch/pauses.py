"""Growing pauses before a failed study is tried again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from scripts.data.errors import BadInputError

from .store import Study


class Pauses:
    """Growing pauses, measured by a clock that nobody sets.

    The wall clock may jump. Within a process, pauses follow the monotonic clock; after a restart, the time on disk
    shortens a pause, but never makes it longer than it was.

    Args:
        seconds: before the second, third, … attempt. After as many attempts more than there are pauses, the study is
            set aside.

    Raises:
        BadInputError: a pause is negative or not a number, or the list is empty.
    """

    def __init__(self, seconds: Sequence[float]) -> None:
        numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) and one >= 0 for one in seconds)
        if not seconds or not numbers:
            raise BadInputError(f"--retry_pauses is {list(seconds)}, expected seconds such as [60,600,3600].")
        self.seconds = [float(one) for one in seconds]
        self._due: dict[str, float] = {}

    def after(self, attempts: int) -> float | None:
        """Return the pause after so many failed attempts; None when there are no more."""
        return self.seconds[attempts - 1] if attempts <= len(self.seconds) else None

    def begin(self, uid: str, pause: float) -> None:
        """Begin a pause."""
        self._due[uid] = time.monotonic() + pause

    def resume(self, studies: Iterable[Study]) -> None:
        """Continue the pauses of studies that failed before the process started."""
        for study in studies:
            if study.uid not in self._due:
                left = study.pause if study.next_try is None else study.next_try - time.time()
                self.begin(study.uid, min(max(left, 0.0), study.pause))

    def due(self, studies: Iterable[Study]) -> list[str]:
        """Return the studies whose pause is over.

        Args:
            studies: all that failed.
        """
        studies = list(studies)
        self.resume(studies)
        now = time.monotonic()
        self._due = {study.uid: self._due[study.uid] for study in studies}
        return [uid for uid, due in self._due.items() if due <= now]
