"""Errors that the user can mend, told in plain words instead of a traceback."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from scripts.data.errors import BadInputError, InternalError
from scripts.workflows import plain_errors
from scripts.workflows.finite_loss import NonFiniteLossError
from scripts.workflows.plain_errors import install_plain_errors, plain_cause


def wrapped(error: Exception) -> Exception:
    """Return the error as MONAI hands it on."""
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("Failed to evaluate ConfigExpression") from cause
    except RuntimeError as outer:
        return outer


@pytest.fixture
def log(monkeypatch):
    """Install the plain errors, and return what the log receives."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.delenv(plain_errors.TRACEBACK_VARIABLE, raising=False)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    existing = [(other, list(other.filters)) for other in logging.getLogger().handlers]
    install_plain_errors()
    yield stream
    for other, filters in existing:
        other.filters = filters
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    "error",
    [BadInputError("a.nii.gz is empty."), NonFiniteLossError("The loss is nan."), InternalError("a was not written.")],
)
def test_what_the_user_can_mend_is_told_alone(log, capsys, error):
    outer = wrapped(error)
    sys.excepthook(type(outer), outer, outer.__traceback__)
    assert capsys.readouterr().err == f"Error: {error}\n"


def test_other_errors_keep_their_traceback(log, capsys):
    outer = wrapped(KeyError("fused"))
    sys.excepthook(type(outer), outer, outer.__traceback__)
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last)")
    assert "KeyError: 'fused'" in told


def test_the_log_is_silent_about_an_error_that_is_told_later(log):
    logger = logging.getLogger("ignite.engine")
    for error in (BadInputError("bad"), KeyError("defect")):
        try:
            raise error
        except Exception:
            logger.exception("Engine run is terminating due to exception")
    told = log.getvalue()
    assert told.count("Engine run is terminating") == 1
    assert "KeyError: 'defect'" in told
    assert "bad" not in told


def test_tracebacks_come_back_by_an_environment_variable(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setenv(plain_errors.TRACEBACK_VARIABLE, "1")
    install_plain_errors()
    assert sys.excepthook is sys.__excepthook__


def raised_while_handling(first: Exception, set_aside: bool) -> BaseException:
    with pytest.raises(KeyError) as caught:
        try:
            raise first
        except type(first):
            if set_aside:
                raise KeyError("second") from None
            raise KeyError("second")  # noqa: B904
    return caught.value


def test_an_error_that_was_being_handled_is_found():
    assert str(plain_cause(raised_while_handling(BadInputError("first"), set_aside=False))) == "first"


def test_an_error_that_was_set_aside_is_not_found():
    assert plain_cause(raised_while_handling(BadInputError("first"), set_aside=True)) is None
    assert plain_cause(None) is None
