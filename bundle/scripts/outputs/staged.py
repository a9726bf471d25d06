"""Exchange files that belong together all at once: the old set or the new one, never a mixture.

A new set is written into a hidden folder next to the old one, ``.staged-…``. When it is complete and on the disk, a
plan is written there too: from then on the new set counts. Several files cannot be renamed in one step, so a process
that dies between two renames leaves the plan behind, and the next command that reads or writes the folder carries it
out (`recover`). Whatever dies before the plan is written leaves the old set alone.

What belongs to a process that may still run is left alone. The lock of a stage says so, and the process that is named
in it: on network drives locks may be unknown, or count on one machine only.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scripts.data.atomic import sweep_leftovers, sync
from scripts.data.errors import BadInputError, InternalError
from scripts.data.held import Held, hold, let_go
from scripts.data.inputs import check_no_input, is_input
from scripts.data.owner import has_ended, read_owner, write_owner

BEGINNING = ".staged-"
_LOCK, _PLAN, _NEW, _OLD = "lock", "plan.json", "new", "old"
_WRITING, _EXCHANGING = 7 * 86400, 600
"""Seconds after which a process that this machine knows nothing of counts as dead: while it writes a patient's files,
and while it exchanges them, which are a few renames."""
_PATIENCE = 10.0
"""Seconds that an exchange is waited for which another process carries out."""


@contextmanager
def staged(
    folder: str | os.PathLike[str], outdated: Callable[[], Iterable[str | os.PathLike[str]]] = tuple
) -> Iterator[Path]:
    """Give a folder to write to, whose content moves to `folder` if nothing is raised.

    Files and folders of the same names are replaced, and `outdated` ones removed; others stay, and so do the inputs of
    the command, see `scripts.data.inputs`. A stage within a stage
    moves its content without further ado: the outer one completes it.

    Args:
        folder: where the results belong; made if missing.
        outdated: gives files of an earlier set, directly in `folder`, which the new set replaces. It is called when the
            new set is written. Defaults to none.

    Yields:
        an empty folder on the same disk.

    Raises:
        BadInputError: the disk is full, something may not be written, an input would be replaced, or the folder was
            removed meanwhile.
    """
    folder = Path(folder)
    outer = any(part.startswith(BEGINNING) for part in folder.parts)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        recover(folder)
        stage, lock = _new_stage(folder)
    except OSError as error:
        _remove_made(made)
        raise _not_written(folder, error) from error
    decided = False
    try:
        try:
            yield stage / _NEW
            names = sorted(entry.name for entry in (stage / _NEW).iterdir())
            _check_targets(folder, stage, names)
            old = sorted({Path(path).name for path in outdated() if not is_input(path)} - set(names))
            if not outer:
                for parent in {path.parent for path in made}:
                    sync(parent)
                _sync_all(stage / _NEW)
            _write_plan(stage, {"new": names, "outdated": old}, durable=not outer)
            decided = True
            _carry_out(folder, stage, durable=not outer)
            sweep_leftovers(folder, (*names, *old))
        except BaseException:
            if decided:  # once more: what has happened already is not repeated
                _carry_out(folder, stage, durable=not outer)
            raise
    except OSError as error:
        if decided and stage.exists():
            raise BadInputError(
                f"the new results in {folder} are complete, but could not all be moved to their places "
                f"({error.strerror or error}). The next command that reads or writes this folder completes that."
            ) from error
        raise _not_written(folder, error) from error
    except (BadInputError, InternalError) as error:
        # the place where a file was to be, not that where it was made
        error.args = tuple(str(part).replace(f"{stage / _NEW}", f"{folder}") for part in error.args)
        raise
    finally:
        if not (stage / _PLAN).exists():
            shutil.rmtree(stage, ignore_errors=True)
        let_go(lock)
        _remove_made(made)


def recover(folder: str | os.PathLike[str]) -> None:
    """Complete the exchange that a process left in a folder when it died, and remove what it had half-written.

    A process that is exchanging files at this moment is waited for; one that still writes, or may do so, is left alone.

    Args:
        folder: folder of a result set.

    Raises:
        BadInputError: an exchange was interrupted and cannot be completed, or another process does not complete one.
    """
    for stage in sorted(Path(folder).glob(f"{BEGINNING}*")):
        if stage.is_symlink() or not stage.is_dir():
            continue
        interrupted = (stage / _PLAN).exists()
        try:
            lock = hold(stage / _LOCK, wait=interrupted)
        except FileNotFoundError:  # another process was quicker
            continue
        except OSError as error:
            if interrupted:
                raise _not_completed(folder, error) from error
            continue
        if lock is None:
            continue
        try:
            if not _is_abandoned(stage, lock):
                _wait_for_exchange(Path(folder), stage)
                continue
            if (stage / _PLAN).exists():
                _carry_out(Path(folder), stage)
            shutil.rmtree(stage, ignore_errors=True)
        except OSError as error:
            raise _not_completed(folder, error) from error
        finally:
            let_go(lock)


def recover_below(folder: str | os.PathLike[str]) -> None:
    """Do what `recover` does in a folder and in all folders below it, before results are read there."""
    for place, folders, _ in os.walk(folder):
        if any(name.startswith(BEGINNING) for name in folders):
            recover(place)
        folders[:] = [name for name in folders if not name.startswith(".")]


def result_files(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the files of a folder and the folders below it in order, but hidden ones, after `recover_below`."""
    folder = Path(folder)
    recover_below(folder)
    for file in sorted(folder.rglob("*")):
        if not any(part.startswith(".") for part in file.relative_to(folder).parts) and file.is_file():
            yield file


def placed(files: Iterable[str | os.PathLike[str]], stage: Path, folder: Path) -> list[str]:
    """Return where files that were written to a stage are afterwards."""
    return [str(folder / Path(file).relative_to(stage)) for file in files]


def _is_abandoned(stage: Path, lock: Held) -> bool:
    """Whether the process that made a stage has certainly died."""
    owner = read_owner(stage / _LOCK)
    if lock.certain and owner.get("host", socket.gethostname()) == socket.gethostname():
        return True
    ended = has_ended(owner)
    if ended is not None:
        return ended
    for last, limit in ((stage / _PLAN, _EXCHANGING), (stage / _NEW, _WRITING), (stage, _WRITING)):
        with suppress(FileNotFoundError):
            return time.time() - last.stat().st_mtime > limit
    return False


def _wait_for_exchange(folder: Path, stage: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (stage / _PLAN).exists():
        if time.monotonic() > deadline:
            owner = read_owner(stage / _LOCK)
            raise BadInputError(
                f"{folder} is being given new results by process {owner.get('process')} on {owner.get('host')}, which "
                f"does not get done. Wait {_EXCHANGING // 60} minutes and try again, or end that process."
            )
        time.sleep(0.05)


def _new_stage(folder: Path) -> tuple[Path, Held]:
    while True:
        stage = Path(tempfile.mkdtemp(dir=folder, prefix=BEGINNING))
        try:
            lock = hold(stage / _LOCK, wait=True)
            write_owner(lock.descriptor)
            (stage / _NEW).mkdir()
            return stage, lock
        except FileNotFoundError:
            if not folder.exists():
                raise
            # swept away by another process between being made and being locked: make another
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise


def _write_plan(stage: Path, plan: dict[str, Any], durable: bool) -> None:
    temporary = stage / f"{_PLAN}.part"
    temporary.write_text(json.dumps(plan), encoding="utf-8")
    if durable:
        sync(temporary)
    os.replace(temporary, stage / _PLAN)
    if durable:
        sync(stage)
        sync(stage.parent)


def _carry_out(folder: Path, stage: Path, durable: bool = True) -> None:
    """Do what is left to do of a plan; it may be done any number of times."""
    if not (stage / _PLAN).exists():
        return
    plan = json.loads((stage / _PLAN).read_text(encoding="utf-8"))
    names, outdated = (_checked(stage, plan.get(key)) for key in ("new", "outdated"))
    old = stage / _OLD
    old.mkdir(exist_ok=True)
    for name in outdated:
        if os.path.lexists(folder / name):
            os.replace(folder / name, old / name)
    for name in names:
        if not os.path.lexists(stage / _NEW / name):
            continue
        if _is_folder(folder / name):
            # A folder that holds something cannot be replaced in one step.
            os.replace(folder / name, old / name)
        os.replace(stage / _NEW / name, folder / name)
    if durable:
        sync(folder)
    (stage / _PLAN).unlink()


def _checked(stage: Path, names: Any) -> list[str]:
    """Check the names of a plan: it was read from the disk, and decides what is moved."""
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name and "\0" not in name
        for name in names
    ):
        raise BadInputError(f"{stage / _PLAN} is not a plan that this bundle wrote. Remove {stage}.")
    return names


def _check_targets(folder: Path, stage: Path, names: Iterable[str]) -> None:
    """Refuse to replace an input, a folder by a file, and a file by a folder: those are not of an earlier set."""
    for name in names:
        target = folder / name
        check_no_input(target)
        if os.path.lexists(target) and _is_folder(target) != _is_folder(stage / _NEW / name):
            raise BadInputError(
                f"{target} cannot be written: it is a {'folder' if _is_folder(target) else 'file'} that this bundle "
                "did not write. Remove it, or choose another --output_dir."
            )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _sync_all(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for name in files:
            sync(Path(place) / name)
        sync(place)


def _remove_made(made: list[Path]) -> None:
    """Remove folders that were made for nothing, the innermost first."""
    for path in made:
        with suppress(OSError):  # where something came to be in it
            path.rmdir()


def _not_written(folder: Path, error: OSError) -> BadInputError:
    if isinstance(error, FileNotFoundError) and not folder.exists():
        return BadInputError(
            f"nothing was written to {folder}: the folder was removed or renamed while the command worked in it. Run "
            "the command again, and leave the folder alone meanwhile."
        )
    return BadInputError(
        f"nothing was written to {folder}: {error.strerror or error}. Choose a folder that you may write to, on a "
        "disk with space left, with --output_dir."
    )


def _not_completed(folder: str | os.PathLike[str], error: OSError) -> BadInputError:
    return BadInputError(
        f"{folder} holds new results whose exchange was interrupted, and it cannot be completed "
        f"({error.strerror or error}). Give a copy of it that you may write to."
    )
