"""Write one result file whole, or say why it cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.data.atomic import written_whole
from scripts.data.errors import BadInputError


@contextmanager
def result_file(path: str | os.PathLike[str], suffix: str = "") -> Iterator[str]:
    """Give a temporary name beside `path` that becomes `path` if nothing is raised.

    Args:
        path: file to write; its folder is created. What is there stays until the new file is whole.
        suffix: end of the temporary name, for writers that look at the extension.

    Raises:
        BadInputError: the folder cannot be created, or the file cannot be written.
    """
    try:
        with written_whole(path, suffix) as temporary:
            yield temporary
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(
            f"{os.fspath(path)} cannot be written ({reason}). Choose a folder that you may write"
            " to, on a disk with space left, with --output_dir."
        ) from error
