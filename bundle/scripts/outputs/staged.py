"""Write what belongs together completely, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.data.errors import BadInputError

BEGINNING = ".staged-"


@contextmanager
def staged(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a folder to write to, whose content moves to `folder` if nothing is raised.

    Files and folders of the same names are replaced, others stay. What a killed run left half-written is removed, and
    so is `folder` where it was made for nothing.

    Args:
        folder: where the results belong; made if missing.

    Yields:
        an empty folder on the same disk.

    Raises:
        BadInputError: the disk is full, or something may not be written.
    """
    folder = Path(folder)
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{BEGINNING}*"):
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(dir=folder, prefix=BEGINNING))
        try:
            yield stage
            for entry in sorted(stage.iterdir()):
                _replace(folder / entry.name, entry, stage / f".old-{entry.name}")
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise BadInputError(
            f"nothing was written to {folder}: {error.strerror or error}. Choose a folder that you may write to, on a "
            "disk with space left, with --output_dir."
        ) from error
    finally:
        if made:
            with suppress(OSError):  # where something came to be in it
                folder.rmdir()


def _replace(target: Path, entry: Path, aside: Path) -> None:
    if not target.is_dir() or target.is_symlink():
        os.replace(entry, target)
        return
    # A folder that holds something cannot be replaced in one step.
    os.replace(target, aside)
    try:
        os.replace(entry, target)
    except OSError:
        os.replace(aside, target)
        raise
