"""Write a file completely or not at all, even if the power fails."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from .inputs import check_no_input

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR)
"""Error codes of file systems that cannot sync a folder."""

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}(\.[a-z]+)?")
"""Names that `written_whole` of version 0.4.0 and earlier gave to temporary files."""
_ABANDONED = 86400
"""Age in seconds of a temporary file that counts as abandoned."""


@contextmanager
def written_whole(path: str | os.PathLike[str], suffix: str = "") -> Iterator[str]:
    """Yield a temporary name in the file's folder, and rename it to the file unless an error is raised.

    The content is synced to disk before the file is renamed.

    Args:
        path: file to write; its folder is created.
        suffix: end of the temporary name, for writers that depend on the extension.

    Raises:
        BadInputError: the file is an input of the command, see `scripts.data.inputs`.
    """
    target = Path(path)
    check_no_input(target)
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
        sweep_leftovers(target.parent, (target.name,))
    finally:
        Path(temporary).unlink(missing_ok=True)


def sweep_leftovers(folder: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Remove temporary files that killed processes left behind, including those of older versions.

    Only files unchanged for a day are removed, since no running process is likely to be writing them.

    Args:
        folder: where to look.
        names: the files that were being written. Temporary files of other files are kept.
    """
    temporaries = _temporaries(os.path.abspath(folder))
    for path in (path for name in set(names) for path in temporaries.get(name, ())):
        with suppress(OSError):  # already removed, or not permitted
            if path.is_file() and time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()


@lru_cache(maxsize=256)
def _temporaries(folder: str) -> dict[str, list[Path]]:
    """Temporary files in a folder, by the name of the final file.

    A folder is listed only once, because it may hold a file per patient and later files are too young to be removed.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    for path in Path(folder).glob(".*"):
        match = _TEMPORARY.fullmatch(path.name)
        if match is not None:
            found[match["name"]].append(path)
    return dict(found)


def sync(path: str | os.PathLike[str]) -> None:
    """Sync a file, or the entries of a folder, to disk.

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
