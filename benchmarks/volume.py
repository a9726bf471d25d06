"""Time and peak memory of fusing and decomposing one volume, file to file.

Runs the two commands on a synthetic patient, each in a separate process, and subtracts the cost of the same command for
three small slices: start of Python, imports, configuration and weights. Allocator settings of the environment do not
count, because users have none.

    python benchmarks/volume.py
    python benchmarks/volume.py --shape 240 240 310 --set slices_at_once=8
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from machine import machine, user_environment, write_figures

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
SMALL = (16, 16, 3)


def write_patient(folder: Path, shape: tuple[int, ...]) -> None:
    """Write a noisy ellipsoid in two contrasts as int16, with about the share of the volume that a brain fills."""
    rng = np.random.default_rng(0)
    axes = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in shape), indexing="ij", sparse=True)
    inside = (axes[0] / 0.6) ** 2 + (axes[1] / 0.75) ** 2 + (axes[2] / 0.9) ** 2 < 1
    folder = folder / "P1"
    folder.mkdir(parents=True)
    for name, level in (("t1ce", 500), ("flair", 300)):
        volume = (level * (1 + 0.3 * np.sin(9 * axes[0]) * np.cos(7 * axes[1])) + rng.normal(0, 15, shape)) * inside
        image = nib.Nifti1Image(volume.clip(0).astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
        nib.save(image, folder / f"P1_{name}.nii.gz")


def run(configs: str, settings: dict[str, str]) -> tuple[float, float, float]:
    """Run a command.

    Args:
        configs: name of its config, or several names separated by spaces, later ones on top.
        settings: options of the command line.

    Returns:
        wall-clock time and processor time in seconds, peak memory in MB.

    Raises:
        SystemExit: when the command fails.
    """
    files = [str(BUNDLE / "configs" / f"{name}.json") for name in configs.split()]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files)]
    command += [word for key, value in settings.items() for word in (f"--{key}", value)]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=user_environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(log.read().decode()[-2000:])
    # Linux reports KiB, macOS bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(240, 240, 155), metavar="N")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the configs")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    rows = []
    settings = dict(word.split("=", 1) for word in arguments.set)
    both = f"{'':12}{'wall':>9}{'without start':>15}{'processor':>11}{'peak memory':>13}{'without start':>15}\n"
    sys.stdout.write(f"{' x '.join(map(str, arguments.shape))}, {os.environ.get('OMP_NUM_THREADS', 'all')} thread(s)\n")
    sys.stdout.write(both)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, shape in (("small", SMALL), ("volume", tuple(arguments.shape))):
            write_patient(folder / size, shape)
        for config in ("inference", "decompose"):
            figures = {}
            for size in ("small", "volume"):
                places = {
                    "dataset_dir": folder / (size if config == "inference" else f"{size}_out"),
                    "output_dir": folder / (f"{size}_out" if config == "inference" else f"{size}_back"),
                }
                figures[size] = run(config, {**settings, **{key: str(path) for key, path in places.items()}})
            wall, processor, memory = figures["volume"]
            base = figures["small"]
            sys.stdout.write(
                f"{config:12}{wall:7.1f} s{wall - base[0]:13.1f} s{processor:9.1f} s"
                f"{memory:10.0f} MB{memory - base[2]:12.0f} MB\n"
            )
            sys.stdout.flush()
            rows.append(
                {
                    "config": config,
                    "wall": wall,
                    "wall_without_start": wall - base[0],
                    "processor": processor,
                    "memory": memory,
                    "memory_without_start": memory - base[2],
                }
            )
    write_figures(arguments.output, {"machine": machine(), "shape": arguments.shape, "rows": rows})


if __name__ == "__main__":
    main()
