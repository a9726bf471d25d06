"""Parsing yes and no from a command line."""

from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true


@pytest.mark.parametrize("flag", [True, "true", "True", 1, "yes", " on "])
def test_yes_is_read_as_a_command_line_gives_it(flag):
    assert is_true(flag)


@pytest.mark.parametrize("flag", [False, "false", "False", 0, "no", "off", "", None])
def test_no_is_read_as_a_command_line_gives_it(flag):
    assert not is_true(flag)


def test_neither_yes_nor_no_is_refused():
    with pytest.raises(BadInputError, match="expected true or false, got 'maybe'"):
        is_true("maybe")
