"""A patient's files are those of the old run or of the new one, whenever the new one is interrupted."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from case_files import fused_case, write_fused
from scripts.cases.decompose import ReadFused
from scripts.data.errors import BadInputError
from scripts.outputs.find_fused import find_fused
from scripts.outputs.staged import recover, staged
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

needs_linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc")
KILLED, REFUSED, LIMIT = 9, 3, 400
WRITES = ("open", "os.mkdir", "fsync")
MOVES = ("os.rename", "os.remove", "os.rmdir")


def interrupted(task: Callable[[], object], folder: Path, n: int, how: str) -> int:
    """Do a task in a process of its own, whose n-th change below a folder is its last, or fails.

    Args:
        task: what to do.
        folder: the folder.
        n: which change, from 1 on.
        how: "killed" there, "failed" there alone, or "full" from there on, when nothing more can be written.

    Returns:
        its exit code: 0 where there were fewer changes, or where the failure did no harm.
    """
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    count = 0

    def change(event: str, arguments: tuple) -> None:
        nonlocal count
        if event not in (*WRITES, *MOVES) or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        count += 1
        if count < n or (how == "failed" and count > n) or (how == "full" and event not in WRITES):
            return
        if how == "killed":
            os._exit(KILLED)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fsync(descriptor: int) -> None:
        sys.audit("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))

    os.fsync = fsync
    sys.addaudithook(change)
    try:
        task()
    except BadInputError:
        os._exit(REFUSED)
    except BaseException as error:
        os.write(2, repr(error).encode())
        os._exit(1)
    os._exit(0 if count >= n else 77)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def interrupt_everywhere(task: Callable[[], object], folder: Path, how: str, read: Callable[[], object]) -> list[str]:
    """Interrupt a task at each of its changes in turn, and tell after which the "old" or the "new" content is there."""
    old = content(folder)
    shutil.copytree(folder, folder.with_name("kept"))
    outcomes: list[str] = []
    for n in range(1, LIMIT):
        code = interrupted(task, folder, n, how)
        read()
        after = content(folder)
        if code == 77:
            new = after
            break
        assert code in (0, KILLED, REFUSED), f"change {n}"
        outcomes.append("old" if after == old else after)
        shutil.rmtree(folder)
        shutil.copytree(folder.with_name("kept"), folder)
    assert new != old
    told = ["new" if after == new else after if after == "old" else f"mixed: {sorted(after)}" for after in outcomes]
    assert set(told) == {"old", "new"}, told
    return told


@pytest.fixture
def folder(tmp_path) -> Path:
    """A set of files and a series among foreign files."""
    folder = tmp_path / "out"
    (folder / "series").mkdir(parents=True)
    for name in ("a.txt", "outdated.txt", "series/1.dcm", "series/2.dcm", "foreign.txt"):
        (folder / name).write_text(f"old {name}")
    return folder


def write_set(folder: Path) -> None:
    with staged(folder, lambda: [folder / "outdated.txt"]) as stage:
        (stage / "series").mkdir()
        for name in ("a.txt", "b.txt", "series/1.dcm"):
            (stage / name).write_text(f"new {name}")


@needs_linux
def test_the_recovery_may_be_interrupted_too(folder, tmp_path):
    half = tmp_path / "half"
    n = 1
    while not (half / "b.txt").exists():  # b is the second of three to be moved
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(folder, half)
        assert interrupted(lambda: write_set(half), half, n, "killed") == KILLED
        n += 1
    assert (half / "series" / "2.dcm").exists()
    shutil.copytree(half, tmp_path / "kept")
    for m in range(1, LIMIT):
        code = interrupted(lambda: recover(half), half, m, "killed")
        recover(half)
        assert {name: text.decode() for name, text in content(half).items()} == {
            "a.txt": "new a.txt",
            "b.txt": "new b.txt",
            "foreign.txt": "old foreign.txt",
            "series/1.dcm": "new series/1.dcm",
        }
        if code == 77:
            break
        shutil.rmtree(half)
        shutil.copytree(tmp_path / "kept", half)
    assert m >= 5


@needs_linux
@pytest.mark.slow
class TestEveryMoment:
    @pytest.mark.parametrize("how", ["killed", "failed", "full"])
    def test_a_set_of_files_and_folders(self, folder, how):
        told = interrupt_everywhere(lambda: write_set(folder), folder, how, lambda: recover(folder))
        assert told.count("old") >= 8
        if how == "killed":  # once decided, the new set stands
            assert told == sorted(told, reverse=True)

    @pytest.mark.parametrize("how", ["killed", "full"])
    def test_a_fused_patient_among_its_sources(self, tmp_path, how, network, write_patient):
        folder = tmp_path / "out"
        torch.save(network.state_dict(), tmp_path / "model.pt")
        record = write_patient(folder, "P", shape=(12, 14, 3))
        network.eval()

        def task(lossless: bool) -> Callable[[], object]:
            data = NormalizeSourcesd("slice")(LoadSourcesd()(record))
            case = fused_case(network, data, tmp_path / "model.pt", lossless=lossless, contribution=lossless)
            return lambda: write_fused(folder, case)

        def read() -> None:
            (found,) = find_fused(str(folder))
            sidecar = ReadFused()(found)["sidecar"]
            ReadFused(lossless="LatentFile" in sidecar)(found)
            assert not list(folder.rglob(".*"))

        task(lossless=True)()
        told = interrupt_everywhere(task(lossless=False), folder, how, read)
        assert told.count("old") >= 20
        assert told.count("new") >= 5
