"""Long phases show that they go on: a line on a terminal, lines now and then in a log, nothing with --quiet."""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Callable

import pytest

from scripts.data import progress, waiting
from scripts.data.progress import bar_hidden, with_progress
from scripts.data.waiting import Waiting, note, over, over_before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def a_terminal(monkeypatch) -> Callable[[], Terminal]:
    """Return what makes stderr a terminal. Pytest gives each phase of a test its own stderr, so the test calls it."""
    monkeypatch.setattr(waiting, "FIRST", 0.01)
    monkeypatch.setattr(waiting, "STEP", 0.01)

    def make() -> Terminal:
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return make


@pytest.fixture
def a_log(monkeypatch) -> Callable[[], io.StringIO]:
    """Return what makes stderr a file."""
    monkeypatch.setattr(waiting, "LOG_STEP", 0.02)

    def make() -> io.StringIO:
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        return sys.stderr

    return make


def until(condition) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_terminal_shows_one_line_that_is_removed(a_terminal):
    terminal = a_terminal()
    with Waiting("Loading"):
        until(lambda: "Loading … 0 s" in terminal.getvalue())
        note("Searching for images: 1,000 files")
        until(lambda: "Searching for images: 1,000 files … 0 s" in terminal.getvalue())
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")


def test_a_log_gets_whole_lines(a_log):
    log_file = a_log()
    with Waiting("Loading"):
        until(lambda: log_file.getvalue().count("\n") >= 2)
    assert set(log_file.getvalue().splitlines()) == {"Loading … 0 s"}


def test_what_is_quick_or_quiet_shows_nothing(a_terminal):
    terminal = a_terminal()
    with Waiting("Loading"):
        pass
    with Waiting("Loading", quiet=True):
        time.sleep(0.05)
    assert "Loading" not in terminal.getvalue()


def test_it_ends_before_a_line_of_the_log(a_terminal):
    terminal = a_terminal()
    with Waiting("Loading"):
        until(lambda: terminal.getvalue())
        assert over_before(logging.LogRecord("scripts", logging.DEBUG, "", 0, "", (), None))
        assert not terminal.getvalue().endswith("\r\033[K")
        assert over_before(logging.LogRecord("scripts", logging.INFO, "", 0, "", (), None))
        assert terminal.getvalue().endswith("\r\033[K")
        shown = terminal.getvalue()
        note("Searching")
        over()
        time.sleep(0.05)
    assert terminal.getvalue() == shown


def test_items_are_counted_in_a_log_now_and_then(a_log, monkeypatch, caplog):
    log_file = a_log()
    monkeypatch.setattr(progress, "LOG_STEP", 0.0)
    caplog.set_level(logging.INFO)
    assert list(with_progress(["a", "b", "c"], "Reading patients")) == ["a", "b", "c"]
    assert caplog.messages == [f"Reading patients: {done} of 3 patients." for done in range(3)]
    assert log_file.getvalue() == ""


def test_items_are_a_bar_on_a_terminal_unless_it_is_quiet(a_terminal, monkeypatch):
    terminal = a_terminal()
    monkeypatch.delenv("RANK", raising=False)
    assert bar_hidden() is None
    assert list(with_progress(["a", "b"], "Drawing")) == ["a", "b"]
    assert "Drawing: 100%" in terminal.getvalue()
    monkeypatch.setenv("RANK", "1")
    assert bar_hidden() is True
    monkeypatch.delenv("RANK")
    logging.getLogger("scripts").setLevel(logging.WARNING)
    assert bar_hidden() is True
    logging.getLogger("scripts").setLevel(logging.NOTSET)
