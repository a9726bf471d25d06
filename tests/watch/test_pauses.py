from __future__ import annotations

import time

import pytest

from scripts.data.errors import BadInputError
from scripts.watch.pauses import Pauses
from scripts.watch.store import FAILED


@pytest.fixture
def failed(store):
    """A study that failed a moment ago and waits for a minute."""
    store.arrived(["1.1"])
    store.conclude(store.take(), FAILED, "no", attempts=1, pause=60)
    return store.studies(FAILED)


def jump(monkeypatch, seconds):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


def test_pauses_grow_and_then_there_are_no_more():
    pauses = Pauses([60, 300, 1800])
    assert [pauses.after(attempts) for attempts in (1, 2, 3, 4)] == [60, 300, 1800, None]


def test_a_study_is_due_when_its_pause_is_over(failed):
    pauses = Pauses([60])
    pauses.begin("1.1", 0.05)
    assert pauses.due(failed) == []
    time.sleep(0.06)
    assert pauses.due(failed) == ["1.1"]
    assert pauses.due([]) == []


@pytest.mark.parametrize("seconds", [-1e7, 1e7])
def test_a_clock_that_jumps_changes_no_pause_of_a_running_service(failed, monkeypatch, seconds):
    pauses = Pauses([60])
    pauses.begin("1.1", 60)
    jump(monkeypatch, seconds)
    assert pauses.due(failed) == []


def test_a_clock_that_jumped_back_lengthens_no_pause_after_a_restart(failed, monkeypatch):
    jump(monkeypatch, -1e7)
    pauses = Pauses([60])
    pauses.due(failed)
    assert pauses._due["1.1"] - time.monotonic() == pytest.approx(60, abs=1)


def test_after_a_restart_the_rest_of_a_pause_is_waited_for(failed, monkeypatch):
    jump(monkeypatch, 50)
    pauses = Pauses([60])
    pauses.due(failed)
    assert pauses._due["1.1"] - time.monotonic() == pytest.approx(10, abs=1)
    jump(monkeypatch, 1e7)
    assert Pauses([60]).due(failed) == ["1.1"]


@pytest.mark.parametrize("seconds", [[], [-1], ["60"], [True]])
def test_pauses_that_are_none_are_refused(seconds):
    with pytest.raises(BadInputError, match="--retry_pauses"):
        Pauses(seconds)
