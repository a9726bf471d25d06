"""Commands in processes of their own, without the seconds that each would spend on importing torch and MONAI.

A Python that has imported those libraries, and nothing of the bundle, forks a process for each command. The command
finds there what a fresh interpreter gives it: working directory, environment, import path, arguments, streams, exit
status. It does not see what happens while the libraries are imported: tests of that start an interpreter. torch
survives a fork on Linux only; elsewhere nothing is imported beforehand.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

LIBRARIES = (
    "monai.bundle",
    "ignite.engine",
    "tensorboard",
    "matplotlib.figure",
    "scipy.stats",
    "nibabel",
    "jsonschema",
)


class Command:
    """A command that runs, with its streams in files.

    Args:
        arguments: what follows `python`: "-m", a module and its arguments, or "-c", code and its arguments.
        cwd: working directory. Defaults to that of this process.
        env: environment. Defaults to that of this process.
        together: both streams are collected as standard output, in the order of their lines. Defaults to False.

    Attributes:
        pid: its process.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: str | Path | None = None,
        env: dict[str, str] | None = None,
        together: bool = False,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._streams = [Path(self._folder.name) / name for name in ("stdout", "stderr")]
        self.arguments = [str(argument) for argument in arguments]
        given = {"cwd": str(cwd or Path.cwd()), "env": dict(os.environ if env is None else env)}
        written = [str(self._streams[0 if together else place]) for place in (0, 1)]
        self.pid = _ask(start=self.arguments, streams=written, **given)

    def wait(self, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Wait for its end; kill it after `timeout` seconds.

        Raises:
            subprocess.TimeoutExpired: when it was killed.
        """
        status = _ask(wait=self.pid, timeout=timeout)
        told = [path.read_text(encoding="utf-8", errors="replace") if path.exists() else "" for path in self._streams]
        self._folder.cleanup()
        if status is None:
            raise subprocess.TimeoutExpired(self.arguments, timeout, *told)
        return subprocess.CompletedProcess(["python", *self.arguments], status, *told)

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return _ask(running=self.pid)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.is_running():
            os.kill(self.pid, number)


def run_python(
    *arguments: object, cwd: str | Path | None = None, env: dict[str, str] | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` as `subprocess.run(..., capture_output=True, text=True)` does."""
    return Command(*arguments, cwd=cwd, env=env).wait(timeout)


def run_processes(
    number: int, *arguments: object, cwd: str | Path | None = None, env: dict[str, str] | None = None
) -> list[subprocess.CompletedProcess[str]]:
    """Run one command in several processes that know of each other, as torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = dict(os.environ if env is None else env)
    shared |= {"WORLD_SIZE": str(number), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        Command(*arguments, cwd=cwd, env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(number)
    ]
    return [command.wait() for command in started]


def _ask(**request: object) -> int | bool | None:
    server = _server()
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())


@cache
def _server() -> subprocess.Popen:
    """Start the Python that waits for commands, one in each process that tests."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    line = [sys.executable, str(Path(__file__).resolve())]
    server = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean)
    atexit.register(server.communicate)
    return server


def _serve() -> dict:
    """Fork a process for each command; return, in that process, what it is to run."""
    for library in LIBRARIES if sys.platform == "linux" else ():
        __import__(library)
    ended: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = os.fork()
            if not answer:
                return request
            ended.pop(answer, None)
        elif "wait" in request:
            answer = _status(request["wait"], ended, request["timeout"])
        else:
            answer = not _has_ended(request["running"], ended)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    raise SystemExit


def _has_ended(child: int, ended: dict[int, int]) -> bool:
    if child not in ended:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            ended[child] = os.waitstatus_to_exitcode(status)
    return child in ended


def _status(child: int, ended: dict[int, int], timeout: float) -> int | None:
    """Return the exit status in the way of `subprocess`, or None for a process that took too long and was killed."""
    limit = time.monotonic() + timeout
    while time.monotonic() < limit:
        if _has_ended(child, ended):
            return ended[child]
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    ended[child] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None


def _become(request: dict) -> None:
    """Give this process the streams, environment, folder, import path and arguments of a fresh interpreter."""
    for descriptor, path in enumerate((os.devnull, *request["streams"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, shells leave it ignored
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    option, what, *rest = request["start"]
    named = request["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [request["cwd"] if option == "-m" else "", *filter(None, named)]
    sys.argv = [option if option == "-c" else what, *rest]


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    given = _serve()
    _become(given)
    option, what = given["start"][:2]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
