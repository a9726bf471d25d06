"""Locks between processes: a file is held by one process until it lets go or dies."""

from __future__ import annotations

import os

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None


def hold(path: str | os.PathLike[str], wait: bool = False) -> int | None:
    """Lock a file, which is made if missing, for this process alone.

    The system releases the lock when the process ends, however it ends, so no lock is ever stale. On file systems that
    know no locks every process gets the file.

    Args:
        path: the file; its folder must exist.
        wait: wait for another process that holds it. Defaults to False.

    Returns:
        a descriptor for `let_go`, or None where another process holds the file.

    Raises:
        OSError: the file cannot be opened, or its folder does not exist.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:  # the file system has no locks
            return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        if is_held(path, descriptor):
            return descriptor
        # the holder before removed the file while this process waited for it
        os.close(descriptor)


def is_held(path: str | os.PathLike[str], descriptor: int) -> bool:
    """Whether the file that was locked is still the one at `path`."""
    try:
        there, own = os.stat(path), os.fstat(descriptor)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)


def let_go(descriptor: int) -> None:
    """Release what `hold` returned."""
    os.close(descriptor)
