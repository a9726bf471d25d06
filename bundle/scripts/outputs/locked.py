"""One command at a time in an output folder."""

from __future__ import annotations

import atexit
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.held import Held, hold, is_held, let_go
from scripts.data.owner import has_ended, read_owner, write_owner

LOCK = ".lock"
_SECONDS_TO_SIGN = 2.0
"""How long a process that has just locked a folder may take to write its name into the lock."""

_held: dict[Path, Held] = {}


def lock_folder(folder: str | os.PathLike[str], command: str) -> None:
    """Lock an output folder until `unlock_folder`, or the end of the process.

    The processes of one torchrun command share the lock. A lock that a dead process left is taken over; where the file
    system knows no locks, only one of this machine is, for nothing is known of processes of others. Folders below are
    not locked: their commands write other files.

    Args:
        folder: the folder, which exists.
        command: what is done in it, for the message: "Fusing".

    Raises:
        BadInputError: another command works in the folder; the message names it.
    """
    path = Path(folder).resolve() / LOCK
    if path in _held:
        if is_held(path, _held[path]):
            return
        let_go(_held.pop(path))
    deadline = time.monotonic() + _SECONDS_TO_SIGN
    while (held := hold(path)) is None or not held.certain:
        holder = read_owner(path)
        if held is not None and (not holder or has_ended(holder)):
            break
        if held is not None:
            let_go(held)
        if holder and holder.get("job") == _job() is not None:
            return
        if not holder and time.monotonic() < deadline:
            time.sleep(0.05)
            continue
        raise BadInputError(_in_use(folder, holder, path if held is not None else None))
    _held[path] = held
    write_owner(held.descriptor, command=command, since=time.strftime("%H:%M:%S"), job=_job())
    atexit.register(unlock_folder, folder, os.getpid())


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Check that a folder that this process locked is still there.

    Raises:
        BadInputError: it was removed or renamed meanwhile.
    """
    path = Path(folder).resolve() / LOCK
    if path in _held and not is_held(path, _held[path]):
        raise BadInputError(
            f"{folder} was removed or renamed while the command worked in it, and the results with it. Run the command "
            "again, and leave the folder alone meanwhile."
        )


def unlock_folder(folder: str | os.PathLike[str], process: int | None = None) -> None:
    """Release a folder that this process locked; nothing happens where it did not.

    Args:
        folder: the folder.
        process: do so in this process only, not in one forked from it. Defaults to None (any).
    """
    path = Path(folder).resolve() / LOCK
    if path not in _held or process not in (None, os.getpid()):
        return
    held = _held.pop(path)
    if is_held(path, held):
        with suppress(OSError):
            path.unlink()
    let_go(held)


def _job() -> str | None:
    """What the processes of one torchrun command have in common; None for a process of its own."""
    if "WORLD_SIZE" not in os.environ:
        return None
    names = ("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")
    return "/".join(os.environ.get(name, "") for name in names)


def _in_use(folder: str | os.PathLike[str], holder: dict[str, Any], uncertain: Path | None) -> str:
    who = "another process"
    if holder:
        who = (
            f'"{holder.get("command")}" (process {holder.get("process")} on {holder.get("host")}, since '
            f"{holder.get('since')})"
        )
    remedy = "Wait until it has ended, or choose another --output_dir."
    if uncertain is not None:
        remedy += f" If it has ended already, remove {uncertain}: this drive knows no locks, so nobody else can tell."
    return f"{folder} is in use by {who}. {remedy}"
