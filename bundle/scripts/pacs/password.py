"""Read the password of a PACS from an environment variable or a file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from scripts.data.errors import BadInputError

READABLE_BY_OTHERS = 0o077


def read_password(variable: str | None, file: str | os.PathLike[str] | None) -> str | None:
    """Read a password from a file, or else from an environment variable; never from the command line.

    Args:
        variable: name of the environment variable, or None.
        file: file whose first line is the password, or None.

    Returns:
        the password, or None where neither holds one.

    Raises:
        BadInputError: the file cannot be read or is empty.
    """
    if file is None:
        return os.environ.get(variable or "") or None
    path = Path(file).expanduser()
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The password cannot be read from {path} ({error}). Check --pacs_password_file."
        ) from error
    if not first:
        raise BadInputError(f"{path} is empty. Write the password of the PACS into its first line.")
    warn_if_shared(path, "a password")
    return first


def warn_if_shared(path: Path, what: str) -> None:
    """Warn if other users may read a file that holds a secret."""
    if os.name == "posix" and path.stat().st_mode & READABLE_BY_OTHERS:
        logging.getLogger(__name__).warning(f"Others may read {path}, which holds {what}: run chmod 600 on it.")
