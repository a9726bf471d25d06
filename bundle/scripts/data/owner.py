"""Which process something belongs to, and whether that has ended."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Describe this process, so that another one can say whether it still runs.

    Returns:
        "process", its number; "host", the name of the machine; "machine", which tells apart machines of one name,
        containers on one machine, and the machine before and after it was started anew; and "started", when the
        process was, in the machine's own units. The last two are None where the system does not say.
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
        owner: what `this_process` returned there, perhaps read back from a file.

    Returns:
        None where this machine cannot know: the process runs on another one, or nothing is known of it.
    """
    number = owner.get("process")
    if not isinstance(number, int) or number < 1 or _machine() is None:
        return None
    if (owner.get("host"), owner.get("machine")) != (socket.gethostname(), _machine()):
        return None
    return _started(number) != owner.get("started")


def write_owner(descriptor: int, **more: Any) -> None:
    """Write into an open file that this process owns it.

    Args:
        descriptor: of the file, opened for writing.
        more: what else the file is to say.
    """
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({**this_process(), **more}).encode(), 0)


def read_owner(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `write_owner` wrote into a file, nothing where it did not."""
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
    """When a process was started, or None if no process has that number."""
    try:
        # the name of the program, in brackets, may hold blanks
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
