"""Errors that the user can mend, told in plain words instead of a traceback."""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType

from scripts.data.errors import BadInputError

from .finite_loss import NonFiniteLossError
from .plain_warnings import install_plain_warnings

PLAIN_ERRORS = (BadInputError, NonFiniteLossError)
"""Errors whose message says all there is to say: what was wrong, where, and the remedy."""

TRACEBACK_VARIABLE = "FUSIONINN_TRACEBACK"
"""Environment variable that brings the tracebacks back when it is set."""


def install_plain_errors() -> None:
    """Let the command end with the message of a `PLAIN_ERRORS` alone, and exit code 1.

    MONAI wraps an error of a bundle in several others ("Failed to evaluate ConfigExpression …"), Ignite logs it, and
    the user gets a hundred lines. After this call the last lines are the message; every other error keeps its
    traceback.

    To be the first expression of a config's run list, when `sys.path` and the log are set up::

        "imports": ["$from scripts.workflows.plain_errors import install_plain_errors"],
        "run": ["$install_plain_errors()", "$@evaluator.run()"]
    """
    if os.environ.get(TRACEBACK_VARIABLE) or sys.excepthook is _report:
        return
    install_plain_warnings()
    sys.excepthook = _report
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)


def plain_cause(error: BaseException | None) -> BaseException | None:
    """Find the error that the user can mend among the causes of another.

    Args:
        error: the error that was raised, or None.

    Returns:
        the first of `PLAIN_ERRORS` along its causes, itself included, or None.
    """
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, PLAIN_ERRORS):
            return error
        seen.add(id(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    cause = plain_cause(error)
    if cause is None:
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stdout.flush()
    sys.stderr.write(f"Error: {cause}\n")


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what engines log about an error while it is on its way to `_report`."""
    return record.levelno < logging.ERROR or plain_cause(sys.exc_info()[1]) is None
