"""Record which process owns a file, and find out whether that process has ended."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Describe this process, so that another one can find out whether it is still running.

    Returns:
        "process", its number; "host", the name of the machine; "machine", which differs between machines of the same
        name, containers on one machine, and reboots; and "started", the start time of the process in the machine's own
        units. The last two are None if the system does not provide them.
    """
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "machine": _machine(),
        "started": _started(os.getpid()),
    }


def has_ended(owner: Mapping[str, Any]) -> bool | None:
    """Whether a process has ended.

    Args:
        owner: result of `this_process`, possibly read from a file.

    Returns:
        None if unknown: the process runs on another machine, or was not recorded.
    """
    number = owner.get("process")
    if not isinstance(number, int) or number < 1 or _machine() is None:
        return None
    if (owner.get("host"), owner.get("machine")) != (socket.gethostname(), _machine()):
        return None
    return _started(number) != owner.get("started")


def write_owner(descriptor: int, **more: Any) -> None:
    """Record in an open file that this process owns it.

    Args:
        descriptor: file descriptor, opened for writing.
        more: further entries of the file.
    """
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({**this_process(), **more}).encode(), 0)


def read_owner(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `write_owner` wrote into a file, or an empty dictionary."""
    with suppress(OSError, ValueError):
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def _machine() -> str | None:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _started(number: int) -> str | None:
    """Return the start time of a process, or None if no process has that number."""
    try:
        # the program's name, in parentheses, may contain spaces
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
