from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.data.errors import BadInputError
from scripts.watch.errors import StorageError
from scripts.watch.plan import Plan
from scripts.watch.store import DONE, FAILED, LEFT_ALONE, RUNNING, SET_ASIDE, WAITING, Store

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
PLAN = Plan("study-1", "key", "used", {"fused": "1.2.3", "flair_estimated": "1.2.4"}, 12)


def test_studies_are_taken_in_their_order_and_none_twice(store):
    store.arrived(["1.1", "1.2", "1.1"])
    assert [store.take().uid, store.take().uid, store.take()] == ["1.1", "1.2", None]
    assert store.counts()[RUNNING] == 2


def test_what_arrives_while_a_study_is_running_is_looked_at_afterwards(store):
    store.arrived(["1.1"])
    study = store.take()
    store.arrived(["1.1"])
    assert store.take() is None
    store.conclude(study, DONE, seconds=2.0)
    again = store.take()
    assert (again.uid, again.state, again.concluded) == ("1.1", WAITING, DONE)
    store.restore(again)
    assert store.study("1.1").state == DONE
    assert store.seconds() == [2.0]


def test_a_killed_process_loses_nothing(store):
    code = (
        "import os, sys; from scripts.watch.store import Store; store = Store(sys.argv[1]); "
        "store.follow('pacs', 7, ['1.1', '1.2']); store.take(); os.kill(os.getpid(), 9)"
    )
    folder = str(store.path.parent)
    assert subprocess.run([sys.executable, "-c", code, folder], cwd=BUNDLE).returncode == -9
    assert (store.position("pacs"), store.counts()[RUNNING], store.counts()[WAITING]) == (7, 1, 1)
    assert [study.uid for study in store.interrupted(5)] == ["1.1"]
    assert [store.take().uid, store.take().uid] == ["1.2", "1.1"]


def test_a_study_that_ends_the_process_again_and_again_is_set_aside(store):
    store.arrived(["1.1"])
    for _ in range(6):
        store.take()
        store.interrupted(5)
    found = store.study("1.1")
    assert (found.state, found.interruptions) == (SET_ASIDE, 6)
    assert "ended while it worked on this study" in found.reason


def test_a_failed_study_waits_and_keeps_its_attempts_when_something_arrives(store):
    store.arrived(["1.1"])
    study = store.take()
    assert store.look("1.1", "images") == 0
    store.conclude(study, FAILED, "no", attempts=1, pause=60)
    assert store.take() is None
    store.arrived(["1.1"])
    study = store.take()
    assert (study.state, study.concluded, study.attempts) == (WAITING, FAILED, 1)
    store.restore(study)
    assert (store.study("1.1").state, store.study("1.1").pause) == (FAILED, 60)
    assert store.take(["1.1"]).state == FAILED
    assert store.look("1.1", "images") == 1
    assert store.look("1.1", "other images") == 0


def test_a_result_replaces_the_one_before(store):
    store.arrived(["1.1"])
    store.take()
    store.plan("1.1", PLAN)
    assert store.study("1.1").plan == PLAN
    assert store.planned() == {"study-1"}
    assert store.own_series(store.study("1.1")) == {"1.2.3", "1.2.4"}
    assert store.delivered("1.1", PLAN) == []
    newer = Plan("study-1", "key-2", "more", {"fused": "1.2.5"}, 6)
    (old,) = store.delivered("1.1", newer)
    assert old.series == PLAN.series
    assert [result.superseded_by for result in store.results("1.1")] == [2, None]
    assert store.study("1.1").plan is None
    assert store.own_series(store.study("1.1")) == {"1.2.3", "1.2.4", "1.2.5"}


def test_a_study_of_which_only_a_part_arrived_is_remembered_until_it_is_complete(store):
    store.follow("pacs", 3, [], ["1.1", "1.2"])
    store.follow("pacs", 5, ["1.1"])
    assert store.unsettled() == ["1.2"]
    assert store.take().uid == "1.1"


def test_what_was_set_aside_or_left_alone_can_be_queued_again(store):
    store.arrived(["1.1", "1.2"])
    store.conclude(store.take(), SET_ASIDE, "no", attempts=5)
    store.conclude(store.take(), LEFT_ALONE, "no FLAIR")
    store.again(["1.1", "1.2"])
    assert [store.take().concluded, store.take().attempts] == [None, 0]


def test_the_state_is_for_its_owner_only(store):
    assert store.path.stat().st_mode & 0o077 == 0
    assert store.path.parent.stat().st_mode & 0o077 == 0


def test_a_full_disk_is_told_and_nothing_is_lost(store):
    store.arrived(["1.1"])
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="disk is full.*Make space"):
        store.arrived([f"1.{number}" for number in range(9999)])
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert store.counts()[WAITING] == 1


def test_a_state_of_another_version_is_refused(tmp_path):
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(BadInputError, match="version 99, expected 1"):
        Store(tmp_path)


def test_a_file_that_is_no_state_is_refused(tmp_path):
    (tmp_path / "state.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BadInputError, match="cannot be used.*--state_dir"):
        Store(tmp_path)


def test_looking_creates_nothing(tmp_path):
    with pytest.raises(BadInputError, match="holds no state of a watch service"):
        Store(tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()
