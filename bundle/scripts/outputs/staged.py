"""Replace a set of files at once: readers see the old set or the new one, never a mixture.

A new set is written to a hidden folder, ``.staged-…``, next to the old one. When it is complete and synced to disk, a
plan is written there as well: from then on the new set is valid. Several files cannot be renamed in one step. If a
process dies between two renames, it leaves the plan behind, and the next command that reads or writes the folder
carries it out (`recover`). If a process dies before the plan is written, the old set stays unchanged.

Stages of processes that may still be running are not touched. This is decided by the lock of the stage and by the
process recorded in it, because on network drives locks may be missing or limited to one machine.
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
"""Seconds after which a process unknown to this machine counts as dead: while it writes a patient's files,
and while it exchanges them by a few renames."""
_PATIENCE = 10.0
"""Seconds to wait for an exchange by another process."""


@contextmanager
def staged(
    folder: str | os.PathLike[str], outdated: Callable[[], Iterable[str | os.PathLike[str]]] = tuple
) -> Iterator[Path]:
    """Yield a folder to write to, and move its content to `folder` unless an error is raised.

    Files and folders of the same names are replaced, and `outdated` ones removed. Other files and the inputs of the
    command, see `scripts.data.inputs`, are kept. A nested stage moves its content directly; the outer stage completes
    it.

    Args:
        folder: folder of the results; created if missing.
        outdated: returns files of an earlier set, directly in `folder`, that the new set replaces. It is called when
            the new set has been written. Defaults to none.

    Yields:
        an empty folder on the same disk.

    Raises:
        BadInputError: the disk is full, a file cannot be written, an input would be replaced, or the folder was
            removed.
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
            if decided:  # try again: completed steps are not repeated
                _carry_out(folder, stage, durable=not outer)
            raise
    except OSError as error:
        if decided and stage.exists():
            raise BadInputError(
                f"the new results in {folder} are complete, but could not all be moved into place "
                f"({error.strerror or error}). The next command that reads or writes this folder completes the move."
            ) from error
        raise _not_written(folder, error) from error
    except (BadInputError, InternalError) as error:
        # name the final file, not the staged one
        error.args = tuple(str(part).replace(f"{stage / _NEW}", f"{folder}") for part in error.args)
        raise
    finally:
        if not (stage / _PLAN).exists():
            shutil.rmtree(stage, ignore_errors=True)
        let_go(lock)
        _remove_made(made)


def recover(folder: str | os.PathLike[str]) -> None:
    """Complete an exchange interrupted by the death of its process, and remove incomplete stages.

    If another process is exchanging files, wait for it. Stages of processes that may still be writing are not touched.

    Args:
        folder: folder of a result set.

    Raises:
        BadInputError: an interrupted exchange cannot be completed, or another process does not complete its exchange.
    """
    for stage in sorted(Path(folder).glob(f"{BEGINNING}*")):
        if stage.is_symlink() or not stage.is_dir():
            continue
        interrupted = (stage / _PLAN).exists()
        try:
            lock = hold(stage / _LOCK, wait=interrupted)
        except FileNotFoundError:  # another process was faster
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
    """Apply `recover` to a folder and all folders below it, before results are read there."""
    for place, folders, _ in os.walk(folder):
        if any(name.startswith(BEGINNING) for name in folders):
            recover(place)
        folders[:] = [name for name in folders if not name.startswith(".")]


def result_files(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the files of a folder and the folders below it in order, without hidden ones, after `recover_below`."""
    folder = Path(folder)
    recover_below(folder)
    for file in sorted(folder.rglob("*")):
        if not any(part.startswith(".") for part in file.relative_to(folder).parts) and file.is_file():
            yield file


def placed(files: Iterable[str | os.PathLike[str]], stage: Path, folder: Path) -> list[str]:
    """Return the final paths of files that were written to a stage."""
    return [str(folder / Path(file).relative_to(stage)) for file in files]


def _is_abandoned(stage: Path, lock: Held) -> bool:
    """Whether the process that created a stage has certainly ended."""
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
                f"process {owner.get('process')} on {owner.get('host')} is moving new results to {folder} and "
                f"has not finished. Wait {_EXCHANGING // 60} minutes and try again, or end that process."
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
            # removed by another process between being created and being locked: create another
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
    """Carry out the remaining steps of a plan; safe to repeat."""
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
            # A folder that is not empty cannot be replaced in one step.
            os.replace(folder / name, old / name)
        os.replace(stage / _NEW / name, folder / name)
    if durable:
        sync(folder)
    (stage / _PLAN).unlink()


def _checked(stage: Path, names: Any) -> list[str]:
    """Check the names of a plan that was read from disk, because they decide which files are moved."""
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name and "\0" not in name
        for name in names
    ):
        raise BadInputError(f"{stage / _PLAN} is not a plan written by this bundle. Remove {stage}.")
    return names


def _check_targets(folder: Path, stage: Path, names: Iterable[str]) -> None:
    """Raise if an input, or a file or folder not written by this bundle, would be replaced."""
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
    """Remove created folders that stayed empty, the innermost first."""
    for path in made:
        with suppress(OSError):  # not empty any more
            path.rmdir()


def _not_written(folder: Path, error: OSError) -> BadInputError:
    if isinstance(error, FileNotFoundError) and not folder.exists():
        return BadInputError(
            f"nothing was written to {folder}: the folder was removed or renamed while the command was running. Run "
            "the command again, and do not touch the folder until it has finished."
        )
    return BadInputError(
        f"nothing was written to {folder}: {error.strerror or error}. Choose a writable folder, on a "
        "disk with space left, with --output_dir."
    )


def _not_completed(folder: str | os.PathLike[str], error: OSError) -> BadInputError:
    return BadInputError(
        f"{folder} contains new results whose move into place was interrupted and cannot be completed "
        f"({error.strerror or error}). Give a writable copy of it."
    )
