"""The state of the service on disk: studies, results and the position in the PACS's changes, in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError

from .errors import StorageError
from .plan import Plan

FILE = "state.sqlite"
VERSION = 1
WAITING, RUNNING, DONE, FAILED, SET_ASIDE, LEFT_ALONE = (
    *("waiting", "running", "done", "failed", "set_aside", "left_alone"),
)
STATES = (WAITING, RUNNING, DONE, FAILED, SET_ASIDE, LEFT_ALONE)
"""A failed study is tried again; one that is set aside is not; one that is left alone was never to be fused."""

_SCHEMA = """
CREATE TABLE studies (
    uid TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    turn INTEGER NOT NULL,
    news INTEGER NOT NULL DEFAULT 1,
    attempts INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    pause REAL NOT NULL DEFAULT 0,
    next_try REAL,
    reason TEXT NOT NULL DEFAULT '',
    fingerprint TEXT,
    concluded TEXT,
    plan TEXT,
    seconds REAL,
    changed REAL NOT NULL
);
CREATE INDEX studies_by_state ON studies (state, turn);
CREATE INDEX studies_by_turn ON studies (turn);
CREATE TABLE results (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL,
    used TEXT NOT NULL,
    series TEXT NOT NULL,
    instances INTEGER NOT NULL,
    sent REAL NOT NULL,
    superseded_by INTEGER
);
CREATE INDEX results_by_study ON results (uid, id);
CREATE TABLE positions (source TEXT PRIMARY KEY, sequence INTEGER NOT NULL);
CREATE TABLE unsettled (uid TEXT PRIMARY KEY);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Study:
    """One row: a study and how far it is.

    Args:
        uid: StudyInstanceUID.
        state: one of `STATES`.
        news: how often something of it arrived.
        attempts: how often it failed since something new arrived.
        interruptions: how often the process ended while it was running.
        pause: seconds between the last attempt and the next one.
        next_try: when that is, in seconds of the wall clock; None for at once.
        reason: why it is in this state.
        fingerprint: of its images when it was last looked at, None if it never was.
        concluded: the state that this led to; None if it is not finished.
        plan: a result that is complete on disk and not yet known to be in the PACS.
        seconds: how long it took.
        changed: when the row was changed, in seconds of the wall clock.
    """

    uid: str
    state: str
    news: int
    attempts: int
    interruptions: int
    pause: float
    next_try: float | None
    reason: str
    fingerprint: str | None
    concluded: str | None
    plan: Plan | None
    seconds: float | None
    changed: float


@dataclass(frozen=True)
class Result:
    """A result that is in the PACS.

    Args:
        number: counts all results.
        used: fingerprint of the images that it was made of.
        series: SeriesInstanceUID by name of the series.
        instances: how many.
        superseded_by: number of the result that replaces it, or None.
    """

    number: int
    used: str
    series: dict[str, str]
    instances: int
    superseded_by: int | None = None


class Store:
    """The state of one service. Every change is on disk before a method returns.

    Args:
        folder: of the file; created if missing, for its owner only.
        read_only: only look, and create nothing. Defaults to False.

    Raises:
        BadInputError: the file cannot be opened, or another version wrote it.
    """

    def __init__(self, folder: str | os.PathLike[str], read_only: bool = False) -> None:
        self.path = Path(folder).expanduser() / FILE
        self._lock = threading.RLock()
        if read_only and not self.path.is_file():
            raise BadInputError(f"{self.path.parent} holds no state of a watch service. Give its --state_dir.")
        try:
            if not read_only:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
            if not read_only:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._create()
            self._check_version()
        except (OSError, sqlite3.Error) as error:
            raise BadInputError(
                f"{self.path} cannot be used ({error}). Give a folder of this service alone, on a local disk with "
                "space left, by --state_dir."
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def arrived(self, uids: Iterable[str]) -> None:
        """Take that something of studies arrived; they are looked at when it is their turn."""
        with self._changing() as connection:
            self._add(connection, uids)

    def take(self, due: Collection[str] = ()) -> Study | None:
        """Give the next study, which counts as running from now on.

        Args:
            due: failed studies whose pause is over.
        """
        with self._changing() as connection:
            places = ",".join("?" * len(due))
            row = connection.execute(
                f"SELECT * FROM studies WHERE state = ? OR (state = ? AND uid IN ({places})) ORDER BY turn LIMIT 1",
                (WAITING, FAILED, *due),
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE studies SET state = ?, changed = ? WHERE uid = ?", (RUNNING, time.time(), row["uid"])
            )
            return _study(row)

    def interrupted(self, limit: int) -> list[Study]:
        """Put studies that were running when the process ended at the end of the queue.

        Args:
            limit: those that this happens to for more than `limit` times are set aside.

        Returns:
            the studies, as they were.
        """
        with self._changing() as connection:
            found = [_study(row) for row in connection.execute("SELECT * FROM studies WHERE state = ?", (RUNNING,))]
            for study in found:
                count = study.interruptions + 1
                reason = f"the service ended while it worked on this study ({count} times)"
                state = WAITING if count <= limit else SET_ASIDE
                connection.execute(
                    "UPDATE studies SET state = ?, interruptions = ?, reason = ?, turn = ?, concluded = ?, next_try = "
                    "NULL, changed = ? WHERE uid = ?",
                    (
                        *(state, count, reason, self._next_turn(connection)),
                        *(None if state == WAITING else SET_ASIDE, time.time(), study.uid),
                    ),
                )
            return found

    def look(self, uid: str, fingerprint: str) -> int:
        """Note which images an attempt is about.

        Returns:
            how often that failed already; 0 for images other than last time.
        """
        with self._changing() as connection:
            connection.execute(
                "UPDATE studies SET attempts = CASE WHEN fingerprint IS ? THEN attempts ELSE 0 END, fingerprint = ?, "
                "concluded = NULL WHERE uid = ?",
                (fingerprint, fingerprint, uid),
            )
            return connection.execute("SELECT attempts FROM studies WHERE uid = ?", (uid,)).fetchone()["attempts"]

    def plan(self, uid: str, plan: Plan) -> None:
        """Note that a result is complete on disk."""
        with self._changing() as connection:
            connection.execute("UPDATE studies SET plan = ? WHERE uid = ?", (plan.as_json(), uid))

    def forget_plan(self, uid: str) -> None:
        """Note that a result has to be made again."""
        with self._changing() as connection:
            connection.execute("UPDATE studies SET plan = NULL WHERE uid = ?", (uid,))

    def delivered(self, uid: str, plan: Plan) -> list[Result]:
        """Note that the planned result is in the PACS.

        Returns:
            results that it replaces.
        """
        with self._changing() as connection:
            before = [one for one in self._results(uid) if one.superseded_by is None]
            cursor = connection.execute(
                "INSERT INTO results (uid, used, series, instances, sent) VALUES (?, ?, ?, ?, ?)",
                (uid, plan.used, json.dumps(plan.series), plan.instances, time.time()),
            )
            connection.execute(
                "UPDATE results SET superseded_by = ? WHERE uid = ? AND superseded_by IS NULL AND id < ?",
                (cursor.lastrowid, uid, cursor.lastrowid),
            )
            connection.execute("UPDATE studies SET plan = NULL WHERE uid = ?", (uid,))
            return before

    def conclude(
        self,
        study: Study,
        state: str,
        reason: str = "",
        *,
        attempts: int = 0,
        pause: float = 0.0,
        seconds: float | None = None,
    ) -> None:
        """Note how a study ended. If something of it arrived meanwhile, it is looked at again.

        Args:
            study: as it was taken.
            state: one of `STATES`.
            reason: why. Defaults to none.
            attempts: how often it failed. Defaults to 0.
            pause: seconds to the next attempt. Defaults to 0.
            seconds: how long it took; None keeps what the row holds.
        """
        now = time.time()
        with self._changing() as connection:
            connection.execute(
                "UPDATE studies SET state = CASE WHEN news > ? THEN ? ELSE ? END, concluded = ?, reason = ?, attempts "
                "= ?, interruptions = 0, pause = ?, next_try = ?, seconds = coalesce(?, seconds), changed = ? "
                "WHERE uid = ?",
                (
                    *(study.news, WAITING, state, None if state == WAITING else state, reason, attempts),
                    *(pause, now + pause if state == FAILED else None, seconds, now, study.uid),
                ),
            )

    def restore(self, study: Study) -> None:
        """Give a study back as it was concluded: what arrived was nothing new."""
        with self._changing() as connection:
            connection.execute(
                "UPDATE studies SET state = CASE WHEN news > ? THEN ? ELSE concluded END, interruptions = 0 "
                "WHERE uid = ?",
                (study.news, WAITING, study.uid),
            )

    def postpone(self, study: Study, reason: str) -> None:
        """Give a study back that could not be worked on for a reason that is not its own."""
        with self._changing() as connection:
            connection.execute(
                "UPDATE studies SET state = ?, reason = ?, interruptions = 0, changed = ? WHERE uid = ?",
                (WAITING, reason, time.time(), study.uid),
            )

    def again(self, uids: Iterable[str]) -> None:
        """Queue studies once more, as if they had never been looked at."""
        with self._changing() as connection:
            connection.executemany(
                "UPDATE studies SET state = ?, attempts = 0, interruptions = 0, next_try = NULL, concluded = NULL, "
                "changed = ? WHERE uid = ? AND state != ?",
                [(WAITING, time.time(), uid, RUNNING) for uid in uids],
            )

    def position(self, source: str) -> int | None:
        """Return the number of the last change that was taken from a PACS, or None."""
        with self._looking() as connection:
            row = connection.execute("SELECT sequence FROM positions WHERE source = ?", (source,)).fetchone()
        return None if row is None else int(row["sequence"])

    def follow(self, source: str, sequence: int, settled: Collection[str] = (), begun: Collection[str] = ()) -> None:
        """Take changes of a PACS, together with the position behind them.

        Args:
            source: the PACS.
            sequence: number of the last of these changes.
            settled: studies that are complete.
            begun: studies of which something arrived.
        """
        with self._changing() as connection:
            connection.executemany("INSERT OR IGNORE INTO unsettled (uid) VALUES (?)", [(uid,) for uid in begun])
            connection.executemany("DELETE FROM unsettled WHERE uid = ?", [(uid,) for uid in settled])
            self._add(connection, settled)
            connection.execute(
                "INSERT INTO positions (source, sequence) VALUES (?, ?) "
                "ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence",
                (source, sequence),
            )

    def unsettled(self) -> list[str]:
        """Return the studies of which something arrived that was not yet complete."""
        with self._looking() as connection:
            return [row["uid"] for row in connection.execute("SELECT uid FROM unsettled ORDER BY uid")]

    def planned(self) -> set[str]:
        """Return the folders of results that are still to be sent."""
        with self._looking() as connection:
            rows = connection.execute("SELECT plan FROM studies WHERE plan IS NOT NULL")
            return {Plan.from_json(row["plan"]).folder for row in rows}

    def study(self, uid: str) -> Study | None:
        """Return one study, or None."""
        with self._looking() as connection:
            row = connection.execute("SELECT * FROM studies WHERE uid = ?", (uid,)).fetchone()
        return None if row is None else _study(row)

    def studies(self, state: str, last: int | None = None) -> list[Study]:
        """Return the studies in a state, in their order; of many only those that changed `last`."""
        with self._looking() as connection:
            order = "turn" if last is None else "changed DESC LIMIT ?"
            values = (state,) if last is None else (state, last)
            return [
                _study(row)
                for row in connection.execute(f"SELECT * FROM studies WHERE state = ? ORDER BY {order}", values)
            ]

    def counts(self) -> dict[str, int]:
        """Return how many studies are in each state."""
        with self._looking() as connection:
            found = dict(map(tuple, connection.execute("SELECT state, count(*) FROM studies GROUP BY state")))
        return {state: found.get(state, 0) for state in STATES}

    def seconds(self, last: int = 100) -> list[float]:
        """Return how long each of the studies took that were done last."""
        with self._looking() as connection:
            rows = connection.execute(
                "SELECT seconds FROM studies WHERE state = ? AND seconds IS NOT NULL ORDER BY changed DESC LIMIT ?",
                (DONE, last),
            )
            return [row["seconds"] for row in rows]

    def results(self, uid: str) -> list[Result]:
        """Return all results of a study that were sent, in their order."""
        with self._looking():
            return self._results(uid)

    def superseded(self, last: int) -> list[tuple[str, Result]]:
        """Return the studies and earlier results that were replaced last, the newest first."""
        with self._looking() as connection:
            rows = connection.execute(
                "SELECT * FROM results WHERE superseded_by IS NOT NULL ORDER BY superseded_by DESC LIMIT ?", (last,)
            )
            return [(row["uid"], _result(row)) for row in rows]

    def own_series(self, study: Study) -> set[str]:
        """Return SeriesInstanceUIDs of what was sent, or is to be sent, to a study."""
        series = {uid for result in self.results(study.uid) for uid in result.series.values()}
        return series | set(study.plan.series.values() if study.plan else ())

    def fact(self, name: str) -> Any:
        """Return a fact about the service, or None."""
        with self._looking() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row["value"])

    def note(self, name: str, value: Any) -> None:
        """Keep a fact about the service."""
        with self._changing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, json.dumps(value)))

    def _create(self) -> None:
        with self._changing() as connection:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")

    def _check_version(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise BadInputError(
                f"{self.path} is not a state that this version can read (version {version}, expected {VERSION}). Give "
                "another --state_dir."
            )

    def _add(self, connection: sqlite3.Connection, uids: Iterable[str]) -> None:
        for uid in uids:
            # A failed study keeps its attempts: what arrived may be our own series, which were sent in part.
            connection.execute(
                "INSERT INTO studies (uid, state, turn, changed) VALUES (?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET "
                "news = news + 1, state = CASE WHEN state = ? THEN state ELSE excluded.state END",
                (uid, WAITING, self._next_turn(connection), time.time(), RUNNING),
            )

    def _next_turn(self, connection: sqlite3.Connection) -> int:
        return connection.execute("SELECT coalesce(max(turn), 0) + 1 FROM studies").fetchone()[0]

    def _results(self, uid: str) -> list[Result]:
        rows = self._connection.execute("SELECT * FROM results WHERE uid = ? ORDER BY id", (uid,))
        return [_result(row) for row in rows]

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on disk, or nothing."""
        with self._looking() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StorageError(
                    f"{self.path} cannot be written or read ({error}). Make space on its disk."
                ) from error


def _study(row: sqlite3.Row) -> Study:
    content = {name: row[name] for name in Study.__dataclass_fields__}
    return Study(**{**content, "plan": None if row["plan"] is None else Plan.from_json(row["plan"])})


def _result(row: sqlite3.Row) -> Result:
    return Result(row["id"], row["used"], json.loads(row["series"]), row["instances"], row["superseded_by"])
