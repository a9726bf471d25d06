from __future__ import annotations

import time

import pytest

from scripts.data.errors import BadInputError
from scripts.pacs.attempts import Attempts
from scripts.pacs.errors import PacsError


class Flaky:
    def __init__(self, failures, temporary=True):
        self.failures = failures
        self.temporary = temporary
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.failures:
            raise PacsError(f"failure {self.calls}.", self.temporary)
        return "answer"


def test_asks_again_until_there_is_an_answer(caplog):
    flaky = Flaky(2)
    assert Attempts(3, wait=0)(flaky) == "answer"
    assert "failure 1. Trying again in 0 s (attempt 1 of 3)." in caplog.text


def test_gives_up_with_the_last_failure():
    flaky = Flaky(9)
    with pytest.raises(PacsError, match="failure 3"):
        Attempts(3, wait=0)(flaky)
    assert flaky.calls == 3


def test_does_not_ask_again_what_was_refused_for_good():
    flaky = Flaky(9, temporary=False)
    with pytest.raises(PacsError, match="failure 1"):
        Attempts(3, wait=0)(flaky)
    assert flaky.calls == 1


def test_waits_twice_as_long_each_time():
    start = time.monotonic()
    Attempts(3, wait=0.05)(Flaky(2))
    assert 0.15 <= time.monotonic() - start < 1.0


@pytest.mark.parametrize(("limit", "wait"), [(0, 1), (3, -1)])
def test_numbers_that_make_no_sense_are_refused(limit, wait):
    with pytest.raises(BadInputError, match="--pacs_attempts"):
        Attempts(limit, wait)
