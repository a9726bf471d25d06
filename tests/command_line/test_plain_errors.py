"""Errors that the user can fix are shown in plain words without a traceback."""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import sys

import numpy as np
import pytest
import torch

from scripts.command_line import plain_errors
from scripts.command_line.plain_errors import install_plain_errors, plain_cause, plain_message
from scripts.data.errors import BadInputError, InternalError, NonFiniteLossError


def wrapped(error: Exception) -> Exception:
    """Return the error as MONAI re-raises it."""
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
    signals = {number: signal.getsignal(number) for number in plain_errors.SIGNALS}
    install_plain_errors()
    yield stream
    for other, filters in existing:
        other.filters = filters
        vars(other).pop("handleError", None)
    for number, action in signals.items():
        signal.signal(number, action)
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    "error",
    [BadInputError("a.nii.gz is empty."), NonFiniteLossError("The loss is nan.")],
)
def test_errors_that_the_user_can_fix_are_shown_without_traceback(log, capsys, error):
    outer = wrapped(error)
    sys.excepthook(type(outer), outer, outer.__traceback__)
    assert capsys.readouterr().err == f"Error: {error}\n"


def test_other_errors_keep_their_traceback(log, capsys):
    outer = wrapped(KeyError("fused"))
    sys.excepthook(type(outer), outer, outer.__traceback__)
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last)")
    assert "KeyError: 'fused'" in told


def test_the_log_is_silent_about_an_error_that_is_reported_later(log):
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


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_ends_the_command_with_its_usual_code(log, capsys, number, code, name):
    with pytest.raises(SystemExit) as stopped:
        os.kill(os.getpid(), number)
    assert stopped.value.code == code
    plain_errors._tell_stop()
    assert capsys.readouterr().err.startswith(f"\nStopped by {name}. What was finished is kept")


def test_memory_that_is_used_up_has_a_remedy():
    with pytest.raises(RuntimeError, match="memory") as of_torch:
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(2**60, np.uint8)
    for error in (of_torch.value, wrapped(of_numpy.value)):
        assert plain_message(error).startswith("there was not enough memory. Use a smaller --slices_at_once")


def test_a_full_disk_has_a_remedy():
    error = OSError(errno.ENOSPC, "No space left on device", "out/a.txt")
    assert plain_message(error) == "out/a.txt: the disk is full. Make space, or choose another --output_dir."


def test_a_fault_of_the_bundle_is_called_one():
    message = plain_message(wrapped(InternalError("a.nii.gz lies elsewhere than its source; nothing was written.")))
    assert message.startswith("a.nii.gz lies elsewhere than its source; nothing was written. This is a bug of the")
    assert plain_cause(InternalError("a")) is None


def test_a_reader_of_the_log_that_has_ended_does_not_end_the_work(log, capfd):
    handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115
    handler.handleError = plain_errors._log_error(handler.handleError)
    read, write = os.pipe()
    os.close(read)
    handler.stream.close()
    handler.stream = os.fdopen(write, "w", buffering=1)
    before = os.dup(1)
    try:
        handler.emit(logging.makeLogRecord({"msg": "nobody reads this"}))
    finally:
        os.dup2(before, 1)
        os.close(before)
        handler.stream = None
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_closed_stderr_does_no_harm(log, tmp_path):
    process = os.fork()
    if not process:
        try:
            os.close(2)
            sys.stderr = None
            plain_errors.install_plain_errors()
            sys.stderr.write("vanishes")
            sys.stderr.flush()
            with (tmp_path / "result").open("w") as file:
                os.write(2, b"a library's warning")
                os._exit(0 if file.fileno() > 2 else 3)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert (tmp_path / "result").read_text() == ""
