"""Common code of the timings: description of the machine, and measurements in separate processes."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

OUTPUT = Path(__file__).resolve().parent.parent / "bundle" / "output" / "bench"

KEEP_LARGE_BLOCKS = {f"MALLOC_{name}_THRESHOLD_": "4294967296" for name in ("MMAP", "TRIM")}
"""Makes glibc keep large blocks, as the Makefile does; other systems ignore it."""


def processor() -> str:
    """Return the name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def machine(device: str = "cpu") -> str:
    """Return one line with processor or GPU, threads, versions and load."""
    if device == "cuda":
        place = torch.cuda.get_device_name()
    else:
        place = f"{processor()}, {torch.get_num_threads()} of {os.cpu_count()} threads"
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{place}, torch {torch.__version__}, Python {platform.python_version()}, {platform.system()}{busy}"


def write_figures(path: Path | None, figures: Mapping[str, object]) -> None:
    """Write what was measured as JSON, if a file was asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=2) + "\n")


def user_environment() -> dict[str, str]:
    """Return the environment without allocator settings, which users do not have."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}


def measure(script: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> dict:
    """Run a benchmark for one row in a new process.

    Args:
        script: path of the benchmark.
        arguments: its arguments.
        environment: variables to add to the environment, from which allocator settings are removed. Defaults to None.

    Returns:
        the last printed line parsed as JSON, or "error" if it fails.
    """
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env=user_environment() | dict(environment or {}),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["ended without a message"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])
