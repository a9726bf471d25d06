"""Every task with each of its recipes or formats."""

from __future__ import annotations

import pytest

from scripts.commands.tasks import tasks

EVERY_CALL = [(task, value) for task in tasks().values() for value in task.calls]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `task` and `value` for each of them."""
    if {"task", "value"} <= set(metafunc.fixturenames):
        names = ["-".join(filter(None, (task.name, value))) for task, value in EVERY_CALL]
        metafunc.parametrize(("task", "value"), EVERY_CALL, ids=names)
