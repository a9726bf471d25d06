"""Write a file completely or not at all, also when the power fails."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR)
"""What file systems answer that cannot sync a folder."""


@contextmanager
def written_whole(path: str | os.PathLike[str], suffix: str = "") -> Iterator[str]:
    """Give a temporary name in the file's folder, which becomes the file if nothing is raised.

    The file is on the disk, not only in the system's memory, when it gets its name.

    Args:
        path: file to write; its folder is created.
        suffix: end of the temporary name, for writers that look at the extension.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=suffix)
    os.close(handle)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        sync(temporary)
        os.replace(temporary, target)
        sync(target.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def sync(path: str | os.PathLike[str]) -> None:
    """Bring a file, or the names in a folder, from the system's memory to the disk.

    Raises:
        OSError: the disk is full or broken.
    """
    folder = os.path.isdir(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        if folder and os.name == "nt":
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not folder or error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)
