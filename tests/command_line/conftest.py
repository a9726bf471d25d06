"""Fixtures of the command line: commands as typed, run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import fire
import monai.bundle
import pytest

from fusioninn_research.config_paths import config_path
from scripts.command_line.begin import check
from scripts.command_line.call import Call
from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError


def config_files(names: str) -> list[str]:
    """Paths of configs named as in "inference study" or "evaluate research/scorecard"."""
    return [config_path(f"{name}.json") for name in names.split()]


@pytest.fixture
def refusal() -> Callable[..., str | None]:
    """Return a function that returns a command's error message, or None."""

    def check_command(configs: str, options: dict, section: str = "run", **monai_options: object) -> str | None:
        arguments = {"config_file": config_files(configs), "run_id": section, **monai_options, **options}
        try:
            check(Call.of(arguments))
        except BadInputError as error:
            return str(error)
        return None

    return check_command


@pytest.fixture
def typed(process_as_it_was, monkeypatch) -> Callable[..., str]:
    """Return a function that runs a command as typed and returns its final message."""
    # Keep this process's error handling.
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["monai.bundle", "run", *words, "--logging_file", "False"])
        with pytest.raises(Exception) as raised:
            fire.Fire({"run": monai.bundle.run})
        cause = plain_cause(raised.value)
        assert cause is not None, raised.getrepr()
        return str(cause)

    return run
