"""Cost of a cohort in slices, hours and disk space, from measured or given rates.

Runs the commands on a synthetic patient in one process with one thread, subtracts the start-up time, and multiplies.
Processor time is measured, which other programs disturb less than wall-clock time.

Commands::

    python benchmarks/cohort.py --patients 10000 --processes 16
    python benchmarks/cohort.py --save rates.json    # keep the rates
    python benchmarks/cohort.py --rates rates.json   # these or other rates, such as those of a GPU
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from volume import SMALL, run, write_patient

SHAPE = (240, 240, 155)
SLAB = (240, 240, 12)
"""Number of slices for measuring rates per slice."""

GIB = 2**30
GLIBC = {f"MALLOC_{name}_THRESHOLD_": "4294967296" for name in ("MMAP", "TRIM")}
"""Makes the allocator keep large blocks, as the Makefile does."""


@dataclass
class Rates:
    """Seconds and bytes of one process.

    Args:
        fuse: seconds per volume, file to file, without start-up.
        decompose: seconds per volume, likewise.
        evaluate: seconds per slice, with all metrics.
        train: seconds per slice and epoch, both directions, 240 x 240.
        sources_bytes: bytes of the sources of a patient.
        fused_bytes: bytes of the fused image and its sidecar.
        decomposed_bytes: bytes of the decomposed images.
        figures_bytes: bytes of the scores of one slice.
        slices: slices of a volume.
        brain_slices: slices of a volume used for evaluation and training.
    """

    fuse: float
    decompose: float
    evaluate: float
    train: float
    sources_bytes: float
    fused_bytes: float
    decomposed_bytes: float
    figures_bytes: float
    slices: int
    brain_slices: int


def seconds(config: str, **settings: object) -> float:
    """Return the processor time of a command."""
    return run(config, {key: str(value) for key, value in settings.items()})[1]


def size(folder: Path, pattern: str) -> int:
    """Return the size of the files below a folder in bytes."""
    return sum(path.stat().st_size for path in folder.rglob(pattern))


def measure(brain_slices: int, patient: Path | None = None) -> Rates:
    """Run the commands on synthetic patients.

    Args:
        brain_slices: slices of a real volume with brain on a tenth of their area.
        patient: folder of a patient to fuse and decompose instead. Defaults to None.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, shape in (("small", SMALL), ("slab", SLAB), ("volume", SHAPE)):
            write_patient(folder / part, shape)
        volume = patient or folder / "volume"
        plain = {"overview": "false", "device": "cpu"}
        fuse, decompose = {}, {}
        for part in ("small", "volume"):
            fused, back = folder / f"{part}_fused", folder / f"{part}_back"
            source = volume if part == "volume" else folder / part
            fuse[part] = seconds("inference", dataset_dir=source, output_dir=fused, **plain)
            decompose[part] = seconds("decompose", dataset_dir=fused, output_dir=back, **plain)
        measured = {}
        for step in (1, 4):
            tables = folder / f"tables{step}"
            measured[step] = seconds("evaluate", dataset_dir=folder / "slab", output_dir=tables, slice_step=step)
        slices = [json.loads((folder / f"tables{step}" / "summary.json").read_text())["slices"] for step in (1, 4)]
        epochs = {
            count: seconds(
                "train", dataset_dir=folder / "slab", output_dir=folder / f"run{count}", epochs=count, batch_size=8
            )
            for count in (1, 2)
        }
        sources = [path for path in volume.rglob("*.nii*") if "_t1ce." in path.name or "_flair." in path.name]
        return Rates(
            fuse=fuse["volume"] - fuse["small"],
            decompose=decompose["volume"] - decompose["small"],
            evaluate=(measured[1] - measured[4]) / (slices[0] - slices[1]),
            train=(epochs[2] - epochs[1]) / SLAB[2],
            sources_bytes=sum(path.stat().st_size for path in sources),
            fused_bytes=size(folder / "volume_fused", "*_fused.*"),
            decomposed_bytes=size(folder / "volume_back", "*.nii.gz"),
            figures_bytes=(size(folder / "tables1", "*") - size(folder / "tables4", "*")) / (slices[0] - slices[1]),
            slices=SHAPE[2],
            brain_slices=brain_slices,
        )


def table(rates: Rates, patients: int, processes: int, epochs: int) -> str:
    """Return the cost of a cohort as Markdown."""
    brain = patients * rates.brain_slices
    rows = [
        ("fuse, with the check of what comes back", f"{rates.fuse:.2f} s a volume", patients * rates.fuse),
        ("decompose", f"{rates.decompose:.2f} s a volume", patients * rates.decompose),
        ("evaluate, all metrics", f"{rates.evaluate:.3f} s a slice", brain * rates.evaluate),
        (f"train, {epochs} epoch(s)", f"{rates.train:.3f} s a slice and epoch", brain * rates.train * epochs),
    ]
    disk = [
        ("sources", patients * rates.sources_bytes),
        ("fused images", patients * rates.fused_bytes),
        ("decomposed images", patients * rates.decomposed_bytes),
        ("figures of the evaluation", brain * rates.figures_bytes),
    ]
    lines = [
        f"{patients:,} patients are {patients * rates.slices:,} slices, {brain:,} of them with brain on a tenth of "
        "their area or more.",
        "",
        f"| what | rate of one process | hours of one process | hours of {processes} |",
        "|---|---|---|---|",
        *(f"| {what} | {rate} | {all_ / 3600:,.1f} | {all_ / 3600 / processes:,.1f} |" for what, rate, all_ in rows),
        "",
        "| files | GiB |",
        "|---|---|",
        *(f"| {what} | {size / GIB:,.0f} |" for what, size in disk),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=16, help="parallel processes, each as fast as one alone")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--brain-slices", type=int, default=100, help="slices of a volume with brain")
    parser.add_argument("--patient", type=Path, help="folder of one patient, instead of a synthetic one")
    parser.add_argument("--rates", type=Path, help="read the rates from a file instead of measuring them")
    parser.add_argument("--save", type=Path, help="write the rates to a file")
    arguments = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1"} | GLIBC
    given = arguments.rates and Rates(**json.loads(arguments.rates.read_text()))
    rates = given or measure(arguments.brain_slices, arguments.patient)
    if arguments.save:
        arguments.save.write_text(json.dumps(asdict(rates), indent=2) + "\n")
    print(table(rates, arguments.patients, arguments.processes, arguments.epochs))


if __name__ == "__main__":
    main()
