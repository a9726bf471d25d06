"""Lock files between processes, until the process releases them or ends."""

from __future__ import annotations

import os
from typing import NamedTuple

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None


class Held(NamedTuple):
    """A file that this process holds.

    Attributes:
        descriptor: file descriptor of the open file.
        certain: whether the lock is exclusive. False on file systems without locks, such as some network drives, where
            every process gets the file.
    """

    descriptor: int
    certain: bool


def hold(path: str | os.PathLike[str], wait: bool = False) -> Held | None:
    """Lock a file exclusively for this process; create it if missing.

    The system releases the lock when the process ends for any reason, so locks are never stale.

    Args:
        path: the file; its folder must exist.
        wait: wait for another process that holds it. Defaults to False.

    Returns:
        the argument for `let_go`, or None if another process holds the file.

    Raises:
        OSError: the file cannot be opened, or its folder does not exist.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is None:
                return Held(descriptor, certain=False)
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:  # the file system has no locks
            return Held(descriptor, certain=False)
        except BaseException:
            os.close(descriptor)
            raise
        held = Held(descriptor, certain=True)
        if is_held(path, held):
            return held
        # the previous holder removed the file while this process waited
        os.close(descriptor)


def is_held(path: str | os.PathLike[str], held: Held) -> bool:
    """Whether the locked file is still the one at `path`."""
    try:
        there, own = os.stat(path), os.fstat(held.descriptor)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)


def let_go(held: Held) -> None:
    """Release what `hold` returned."""
    os.close(held.descriptor)
