"""End a failed command with one line that states cause and remedy, and the usual exit code."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import NoReturn

import torch

from scripts.data.errors import BadInputError, InternalError, NonFiniteLossError
from scripts.data.hidden import shown_message, shown_traceback

from .plain_warnings import install_plain_warnings

PLAIN_ERRORS = (BadInputError, NonFiniteLossError)
"""Errors with a complete message: what was wrong, where, and the remedy."""

TRACEBACK_VARIABLE = "FUSIONINN_TRACEBACK"
"""Environment variable that enables tracebacks."""

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
"""Signals that ask a command to stop. The exit code is 128 and the signal's number: 130 and 143."""

REPORT_IT = "This is a bug of the bundle, not an error in your files. Please report it with this message."
NO_MEMORY = (
    "there was not enough memory. Use a smaller --slices_at_once or --batch_size if the command has it, close "
    "other programs, or use a machine with more memory."
)
NO_DEVICE_MEMORY = "the device has too little memory. Use a smaller --slices_at_once, or --device cpu."
_stopped_by: list[str] = []
_ALLOCATORS = ("can't allocate memory", "cannot allocate memory", "not enough memory")
_OUTPUT = {
    errno.ENOSPC: "the disk is full. Make space, or choose another --output_dir",
    errno.EDQUOT: "your quota on the disk is used up. Make space, or choose another --output_dir",
    errno.EROFS: "the disk is read-only. Choose another --output_dir",
}


def install_plain_errors() -> None:
    """Make the command end with one line and exit code 1 if the message is complete; see `plain_message`.

    MONAI wraps an error of a bundle in several others ("Failed to evaluate ConfigExpression …"), Ignite logs it, and
    the user gets a hundred lines. After this call the output ends with the message; other errors keep their traceback.
    Ctrl-C and SIGTERM end the command in an orderly way, with exit codes 130 and 143. Closed output streams are
    handled. Every command calls it through `scripts.command_line.begin.begin`.
    """
    _open_closed_streams()
    if os.environ.get(TRACEBACK_VARIABLE) or sys.excepthook is _report:
        return
    install_plain_warnings()
    sys.excepthook = _report
    threading.excepthook = _report_of_thread
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)
        handler.handleError = _log_error(handler.handleError)
    if threading.current_thread() is not threading.main_thread():
        return
    # Registered before any progress bar: those are closed first, so that the message is the last line.
    atexit.register(_tell_stop)
    for number, name in SIGNALS.items():
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _stopper(name, os.getpid()))


def plain_cause(error: BaseException | None) -> BaseException | None:
    """Find the error that the user can fix among the causes of another.

    Args:
        error: the error that was raised, or None.

    Returns:
        the first of `PLAIN_ERRORS` among the error and its causes, or None.
    """
    return _first(error, lambda cause: isinstance(cause, PLAIN_ERRORS))


def plain_message(error: BaseException | None) -> str | None:
    """Return a plain message for an error that ended a command or prevented a patient's result.

    Args:
        error: the error that was raised, or None.

    Returns:
        the message of an error that the user can fix, or of an `InternalError`; cause and remedy if memory or disk
        space ran out; None for any other error, which needs its traceback.
    """
    cause = plain_cause(error)
    if cause is not None:
        return str(cause)
    cause = _first(error, lambda cause: isinstance(cause, InternalError))
    if cause is not None:
        return f"{cause} {REPORT_IT}"
    if _first(error, lambda cause: isinstance(cause, torch.OutOfMemoryError)) is not None:
        return NO_DEVICE_MEMORY
    if _first(error, _is_lack_of_memory) is not None:
        return NO_MEMORY
    full = _first(error, lambda cause: isinstance(cause, OSError) and cause.errno in _OUTPUT)
    if full is not None:
        where = f"{full.filename}: " if full.filename else ""
        return f"{where}{_OUTPUT[full.errno]}."
    return None


def _open_closed_streams() -> None:
    """Replace streams closed by the shell (``2>&-``) by the null device; a file could otherwise get their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, "w" if number else "r", encoding="utf-8"))


def _first(error: BaseException | None, fits: Callable[[BaseException], bool]) -> BaseException | None:
    seen = set()
    while error is not None and id(error) not in seen:
        if fits(error):
            return error
        seen.add(id(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _is_lack_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _ALLOCATORS)


def _stopper(name: str, process: int) -> Callable[[int, FrameType | None], NoReturn]:
    """Return a handler that ends this process in an orderly way: files are completed or removed, locks released."""

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        # a second signal ends the process immediately
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() == process:
            _stopped_by.append(name)
        raise SystemExit(128 + number)

    return stop


def _tell_stop() -> None:
    """Print as the last line that the command was stopped, if it was."""
    if _stopped_by:
        _write_error(
            f"\nStopped by {_stopped_by.pop()}. What was finished is kept: the same command with --resume true "
            "continues, if it has that option.\n"
        )


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if _first(error, lambda cause: isinstance(cause, BrokenPipeError)) is not None:
        _drop_output()
        message = "the output could no longer be written: the program that read it has ended."
    else:
        message = plain_message(error)
    if message is None:
        _write_error(f"{shown_traceback(kind, error, traceback)}\n")
        return
    sys.stdout.flush()
    _write_error(f"Error: {shown_message(message)}\n")


def _report_of_thread(arguments: threading.ExceptHookArgs) -> None:
    """Do not report an error twice: a full disk also affects the thread that writes curves."""
    if plain_message(arguments.exc_value) is None:
        threading.__excepthook__(arguments)


def _write_error(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError, RuntimeError):  # the stream is closed, or in use
        pass


def _log_error(otherwise: Callable[[logging.LogRecord], None]) -> Callable[[logging.LogRecord], None]:
    """Return a handler for log lines that cannot be written: without a reader the command continues silently."""

    def handle(record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            _drop_output()
        else:
            otherwise(record)

    return handle


def _drop_output() -> None:
    """Discard remaining output, so that the process does not fail when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop the engines' log records about an error or signal that is reported in the last line."""
    error = sys.exc_info()[1]
    stopped = isinstance(error, SystemExit) and bool(_stopped_by)
    return record.levelno < logging.ERROR or not (stopped or plain_message(error))
