"""The service: take studies as they arrive, one after the other, until it is asked to stop."""

from __future__ import annotations

import errno
import logging
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from scripts.cohort.patients import problem_of
from scripts.command_line.plain_errors import plain_message
from scripts.data.errors import BadInputError
from scripts.data.hidden import shown_message
from scripts.dicom.stored import patient_of_study
from scripts.pacs.errors import PacsError

from .errors import StorageError
from .fingerprint import fingerprint
from .inbox import Inbox
from .one_watcher import OneWatcher
from .pauses import Pauses
from .status import HEALTH
from .status_server import StatusServer
from .store import DONE, FAILED, LEFT_ALONE, SET_ASIDE, Store, Study
from .supervisor import tell_supervisor
from .work import Work

if TYPE_CHECKING:
    from .orthanc_changes import OrthancChanges
    from .receiver import Receiver

BEAT = 5.0
"""Seconds between two signs of life."""
MEGABYTE = 2**20
_INTERRUPTIONS = 5
_OUTAGE = (5.0, 60.0)
"""First and longest pause, in seconds, while the PACS does not answer or the disk is full."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Service:
    """Fuse studies as they arrive.

    Args:
        store: state.
        watcher: makes sure that there is one service only.
        work: fuses one study.
        changes: the PACS whose changes are followed, or None.
        receiver: the node that takes what modalities send, or None.
        retry_pauses: seconds before a failed study is tried again; see `Pauses`.
        poll_seconds: between two looks for changes. Defaults to 5.
        longest_seconds: after which a study that is still running counts as stuck. Defaults to 3600.
        free_mb: megabytes that stay free on the disk: below, nothing is begun. Defaults to 1000.
        keep_hours: how long received images are kept. Defaults to 168.
        status_server: shows the status, or None.

    Raises:
        BadInputError: a setting is impossible.
    """

    def __init__(
        self,
        store: Store,
        watcher: OneWatcher,
        work: Work,
        changes: OrthancChanges | None = None,
        receiver: Receiver | None = None,
        retry_pauses: Sequence[float] = (60, 300, 1800, 7200),
        poll_seconds: float = 5.0,
        longest_seconds: float = 3600.0,
        free_mb: float = 1000.0,
        keep_hours: float = 168.0,
        status_server: StatusServer | None = None,
    ) -> None:
        if poll_seconds <= 0 or longest_seconds <= 0:
            raise BadInputError("--poll_seconds and --longest_seconds must be positive.")
        self.store = store
        self.watcher = watcher
        self.work = work
        self.changes = changes
        self.receiver = receiver
        self.pauses = Pauses(retry_pauses)
        self.poll_seconds = poll_seconds
        self.longest_seconds = longest_seconds
        self.free_mb = free_mb
        self.keep_hours = keep_hours
        self.status_server = status_server
        self.logger = logging.getLogger(__name__)
        self._stop = threading.Event()
        self._began: float | None = None
        self._trouble: dict[str, str] = {}
        self._outage = 0.0

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C; the study at hand is finished first, and a second signal ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        self.begin()
        threads = [threading.Thread(target=self._repeat, args=args, daemon=True) for args in self._tasks()]
        for thread in threads:
            thread.start()
        if self.status_server is not None:
            self.status_server.start()
        tell_supervisor("READY=1")
        self.logger.info("Ready: studies are fused as they arrive. Research use only, not for diagnosis.")
        try:
            while not self._stop.is_set():
                if not self.next_study():
                    self._stop.wait(0.3)
        finally:
            self._stop.set()
            tell_supervisor("STOPPING=1")
            if self.receiver is not None:
                self.receiver.stop()
            if self.status_server is not None:
                self.status_server.stop()
            for thread in threads:
                thread.join(timeout=BEAT)
        self.logger.info("Stopped. What is waiting is done after the next start.")

    def stop(self) -> None:
        """Finish the study at hand, then stop."""
        self._stop.set()

    def _ask_to_stop(self, number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        busy = self._began is not None
        self.logger.info(
            f"{signal.Signals(number).name}: stopping{' after the study at hand' if busy else ''}; again to stop at "
            "once."
        )
        self.stop()

    def begin(self) -> None:
        """Take up what an earlier process left, and listen.

        Raises:
            BadInputError: the port cannot be used.
        """
        for study in self.store.interrupted(_INTERRUPTIONS):
            self.logger.warning(f"{patient_of_study(study.uid)} was interrupted; it is taken up again.")
        self.pauses.resume(self.store.studies(FAILED))
        counts = self.store.counts()
        self.logger.info(", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no studies yet")
        if self.receiver is not None:
            self._take_up_received(self.receiver.inbox)
            self.receiver.start()

    def _take_up_received(self, inbox: Inbox) -> None:
        """Wait for the rest of studies that were not complete when the process ended."""
        for uid in inbox.studies():
            study = self.store.study(uid)
            if study is None or study.fingerprint != fingerprint(inbox.images(uid)):
                self.receiver.arrived(uid)

    def _tasks(self) -> list[tuple[str, Callable[[], object], float]]:
        tasks: list[tuple[str, Callable[[], object], float]] = [("sign of life", self._beat, BEAT)]
        if self.changes is not None:
            tasks.append(("changes", self.changes.follow, self.poll_seconds))
        if self.receiver is not None:
            tasks.append(("received", self.receiver.hand_over, min(1.0, self.receiver.quiet_seconds / 2)))
            tasks.append(("removal", self._purge, 600.0))
        return tasks

    def _repeat(self, name: str, task: Callable[[], object], seconds: float) -> None:
        """Repeat a task; whatever goes wrong, it is told once, and tried again."""
        while not self._stop.is_set():
            try:
                task()
            except Exception as error:
                message = plain_message(error)
                if message is None:
                    message = f"unexpected {type(error).__name__}: {error}"
                    if name not in self._trouble:
                        self.logger.exception(name)
                self._tell_trouble(name, shown_message(message))
            else:
                self._tell_trouble(name, None)
            self._stop.wait(seconds)

    def _tell_trouble(self, name: str, trouble: str | None) -> None:
        before = self._trouble.get(name)
        if trouble is None:
            if self._trouble.pop(name, None) is not None:
                self.logger.info(f"Over ({name}): {before}")
        elif trouble != before:
            self._trouble[name] = trouble
            self.logger.error(f"{trouble} It is tried again until it works.")

    def _beat(self) -> None:
        busy = self._began
        stuck = busy is not None and time.monotonic() - busy > self.longest_seconds
        told = [f"one study has been running for more than {self.longest_seconds:g} s"] if stuck else []
        told += [trouble for name, trouble in list(self._trouble.items()) if name != "sign of life"]
        if not stuck:
            tell_supervisor("WATCHDOG=1")
        fact = {
            "time": time.time(),
            "alive": not stuck,
            "works": not told,
            "told": " ".join(told) or "everything works",
        }
        self.store.note(HEALTH, fact)

    def _purge(self) -> None:
        inbox = self.receiver.inbox
        for uid in inbox.studies():
            study = self.store.study(uid)
            if study is not None and study.state in (DONE, LEFT_ALONE, SET_ASIDE):
                inbox.purge(uid, self.keep_hours)

    def next_study(self) -> bool:
        """Work on the next study; return False if there is none."""
        try:
            self._check_disk()
            study = self.store.take(self.pauses.due(self.store.studies(FAILED)))
        except BadInputError as error:
            self._hold(str(error))
            return True
        if study is None:
            self._tell_trouble("work", None)
            return False
        start, self._began = time.perf_counter(), time.monotonic()
        name = patient_of_study(study.uid)
        try:
            outcome = self.work(study)
            if outcome.state is None:
                self.store.restore(study)
            else:
                took = time.perf_counter() - start
                self.store.conclude(study, outcome.state, outcome.reason, seconds=took if outcome.made else None)
                if outcome.made:
                    self.logger.info(f"{name} is done, in {took:.1f} s.")
                else:
                    self.logger.info(f"{name}: {outcome.state.replace('_', ' ')}: {outcome.reason}")
            self._outage = 0.0
            self._tell_trouble("work", None)
        except Exception as error:
            self._fail(study, name, error)
        finally:
            self._began = None
        return True

    def _fail(self, study: Study, name: str, error: Exception) -> None:
        """Put a study back: at once where it is not to blame, and otherwise after a pause that grows."""
        problem = problem_of(name, error)
        try:
            if _is_of_storage(error) or (isinstance(error, PacsError) and not self._pacs_answers()):
                self.store.postpone(study, problem)
                self._hold(problem)
                return
            self._outage = 0.0
            self._tell_trouble("work", None)
            now = self.store.study(study.uid)
            attempts = (now.attempts if now is not None else study.attempts) + 1
            pause = self.pauses.after(attempts)
            if pause is None:
                self.store.conclude(study, SET_ASIDE, problem, attempts=attempts)
                self.logger.error(f"{name} is set aside after {attempts} attempts: {problem}")
            else:
                self.store.conclude(study, FAILED, problem, attempts=attempts, pause=pause)
                self.pauses.begin(study.uid, pause)
                self.logger.warning(f"{name} failed (attempt {attempts}), again in {pause:g} s: {problem}")
        except BadInputError as worse:  # the state cannot be written; the study still counts as running there
            self._hold(str(worse))
            self._give_back(study, problem)

    def _give_back(self, study: Study, problem: str) -> None:
        while not self._stop.is_set():
            try:
                self.store.postpone(study, problem)
            except BadInputError as error:
                self._hold(str(error))
            else:
                return

    def _hold(self, trouble: str) -> None:
        """Pause everything, longer each time."""
        first, longest = _OUTAGE
        self._outage = min(max(first, 2 * self._outage), longest)
        self._tell_trouble("work", trouble)
        self._stop.wait(self._outage)

    def _pacs_answers(self) -> bool:
        """Whether the PACS answers; if not, it is down or refuses whatever is asked, and no study is to blame."""
        try:
            self.work.delivery.pacs.find_studies(study_uid="1.2.3.4")
        except PacsError:
            return False
        return True

    def _check_disk(self) -> None:
        for place in (self.store.path.parent, Path(self.work.delivery.output_dir)):
            free = shutil.disk_usage(place if place.exists() else place.parent).free / MEGABYTE
            if free < self.free_mb:
                raise StorageError(
                    f"The disk of {place} is nearly full: {free:.0f} MB are free, and --free_mb {self.free_mb:g} must "
                    "stay. Make space."
                )


def _is_of_storage(error: BaseException | None) -> bool:
    """Whether an error comes from the service's own disk."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, (StorageError, sqlite3.OperationalError)):
            return True
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
