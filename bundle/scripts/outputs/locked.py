"""Lock an output folder so that only one command at a time uses it."""

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
"""Seconds that a process may take to write its name into a new lock."""

_held: dict[Path, Held] = {}


def lock_folder(folder: str | os.PathLike[str], command: str) -> None:
    """Lock an output folder until `unlock_folder`, or the end of the process.

    The processes of one torchrun command share the lock. The lock of a process that died is taken over. On file systems
    without locks, this is limited to processes of this machine, because those of other machines cannot be checked.
    Subfolders are not locked: commands there write other files.

    Args:
        folder: an existing folder.
        command: the activity, for the message: "Fusing".

    Raises:
        BadInputError: another command is using the folder; the message names it.
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
    """Check that a folder locked by this process still exists.

    Raises:
        BadInputError: it was removed or renamed.
    """
    path = Path(folder).resolve() / LOCK
    if path in _held and not is_held(path, _held[path]):
        raise BadInputError(
            f"{folder} was removed or renamed while the command was running, and the results are lost. Run the command "
            "again, and do not touch the folder until it has finished."
        )


def unlock_folder(folder: str | os.PathLike[str], process: int | None = None) -> None:
    """Release a folder if this process locked it.

    Args:
        folder: the folder.
        process: release it in this process only, not in a forked one. Defaults to None (any).
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
    """Return the id shared by the processes of one torchrun command; None for a single process."""
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
    remedy = "Wait until it has finished, or choose another --output_dir."
    if uncertain is not None:
        remedy += f" If it has finished already, remove {uncertain}: this drive does not support locks."
    return f"{folder} is in use by {who}. {remedy}"
