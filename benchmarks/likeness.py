"""Accuracy of the checks of registered pairs: false alarms on correct pairs, and missed mismatches.

Each folder is one source of data. Pairs of one head come from its patients, wrong pairs from the same files: another
patient's FLAIR, FLAIR flipped along each axis, noise, and, without registration, FLAIR displaced by 15 mm or turned by
20 degrees both ways along one axis. The check of mirrored sides is measured on original and mirrored FLAIR.

    python benchmarks/likeness.py --dataset_dir ../shared/data/open_raw ../shared/data/open bundle/example
    python benchmarks/likeness.py --dataset_dir DIR --others 2 --json pairs.json
    python benchmarks/likeness.py --dataset_dir DIR --only_one_head MANY_PATIENTS
    python benchmarks/likeness.py --dataset_dir DIR --quick
    python benchmarks/likeness.py --measured pairs.json more.json   # the tables of earlier runs
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from registration import read
from scripts.data.discovery import find_patients
from scripts.registration.align import MIN_CONTRAST, MIRROR_GAIN, SURE_CONTRAST
from scripts.registration.motion import rigid_matrix
from scripts.registration.rigid import register
from scripts.registration.similarity import likeness
from scripts.registration.volume import Volume, head_points

FIXED = ("t1gd", "t1")
MIRRORED = "flipped left to right"
FLIPS = {"flipped front to back": 1, "flipped upside down": 2}
SHIFT_MM, TURN_DEGREES = 15.0, 20.0


def person(patient: str) -> str:
    """Return the person of a patient's name: sessions are named `NAME-SESSION` in the longitudinal data."""
    return patient.rsplit("-", 1)[0] if patient.startswith("openms-long") else patient


def heads(folder: str) -> dict[str, tuple[str, str]]:
    """Find FLAIR and T1-Gd of each patient, or T1 for patients without T1-Gd."""
    found: dict[str, tuple[str, str]] = {}
    for source in FIXED:
        for record in find_patients(folder, (source, "flair")):
            if "problem" not in record:
                found.setdefault(record["patient"], (record[source], record["flair"]))
    return found


Row = tuple[str, str, float, float]
"""Kind of a pair, patient, local correlation, contrast."""


def judged(kind: str, patient: str, fixed: Volume, moving: Volume, matrix: np.ndarray) -> Row:
    """Measure a pair at one position."""
    found = likeness(fixed, moving, matrix)
    return kind, patient, found.here, found.contrast


def registered(kind: str, patient: str, fixed: Volume, moving: Volume) -> Row:
    """Measure a pair after registration."""
    return judged(kind, patient, fixed, moving, register(fixed, moving))


def one_head(volumes: dict[str, tuple[Volume, Volume]]) -> Iterator[Row]:
    """Yield the pairs of one head with original and mirrored FLAIR, which the check of sides compares."""
    for name, (fixed, flair) in volumes.items():
        yield registered("one head", name, fixed, flair)
        yield registered(MIRRORED, name, fixed, flair.mirrored())


def two_heads(volumes: dict[str, tuple[Volume, Volume]], others: int) -> Iterator[Row]:
    """Yield pairs of two patients."""
    names = list(volumes)
    for number, name in enumerate(names):
        different = [other for other in names[number + 1 :] + names[:number] if person(other) != person(name)]
        for other in different[:others]:
            yield registered("another patient", name, volumes[name][0], volumes[other][1])


def spoilt_pairs(volumes: dict[str, tuple[Volume, Volume]]) -> Iterator[Row]:
    """Yield mismatched pairs of one head: displaced, turned, flipped, cropped; and noise."""
    for number, (name, (fixed, flair)) in enumerate(volumes.items()):
        found = register(fixed, flair)
        axis, centre = np.eye(3)[number % 3], head_points(fixed).mean(0)
        for sign in (-1, 1):
            shifted = rigid_matrix(np.zeros(3), sign * SHIFT_MM * axis, centre)
            yield judged("displaced by 15 mm, not registered", name, fixed, flair, found @ shifted)
            turned = rigid_matrix(sign * TURN_DEGREES * axis, np.zeros(3), centre)
            yield judged("turned by 20 degrees, not registered", name, fixed, flair, found @ turned)
        for kind, axis in FLIPS.items():
            yield registered(kind, name, fixed, Volume(np.flip(flair.values, axis).copy(), flair.affine))
        lower = flair.values[..., : flair.values.shape[2] * 2 // 3].copy()
        yield registered("one head, lower two thirds of FLAIR", name, fixed, Volume(lower, flair.affine))
    noise = np.random.default_rng(0).normal(100, 10, flair.values.shape).astype(np.float32)
    yield registered("noise", name, fixed, Volume(noise, flair.affine))


def table(rows: list[list]) -> None:
    """Print the results of the shipped limits for each kind of pair."""
    print(f"| kind | pairs | contrast | below {MIN_CONTRAST} | below {SURE_CONTRAST} |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for kind in dict.fromkeys((source if row == "one head" else "", row) for source, row, *_ in rows):
        values = [row[4] for row in rows if row[1] == kind[1] and kind[0] in ("", row[0])]
        name = f"one head, {kind[0]}" if kind[0] else kind[1]
        refused, doubted = (sum(value < limit for value in values) for limit in (MIN_CONTRAST, SURE_CONTRAST))
        print(f"| {name} | {len(values)} | {min(values):.2f}–{max(values):.2f} | {refused} | {doubted} |")


def left_out(rows: list[list]) -> None:
    """Print, for each data source, the performance of a limit chosen on the other sources.

    The limit is the geometric mean of the lowest contrast of one head and the highest of two.
    """
    print("| source left out | limit from the others | false alarms | other patients missed |")
    print("| --- | ---: | ---: | ---: |")

    def contrasts(kind: str, source: str, inside: bool) -> np.ndarray:
        return np.array([row[4] for row in rows if row[1] == kind and (row[0] == source) == inside])

    for source in dict.fromkeys(row[0] for row in rows):
        right, wrong = contrasts("one head", source, False), contrasts("another patient", source, False)
        if not right.size or not wrong.size:
            continue
        limit = np.sqrt(right.min() * wrong.max())
        own, others = contrasts("one head", source, True), contrasts("another patient", source, True)
        print(
            f"| {source} | {limit:.2f} | {(own < limit).sum()} of {own.size} | "
            f"{(others >= limit).sum()} of {others.size} |"
        )


def sides(rows: list[list]) -> None:
    """Print the false alarms and detections of exchanged left and right."""
    print("| source | not mirrored | false alarms | mirrored | noticed |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for source in dict.fromkeys(row[0] for row in rows):
        here = {(row[1], row[2]): row[3] for row in rows if row[0] == source}
        gains = np.array([here[MIRRORED, name] / here[kind, name] for kind, name in here if kind == "one head"])
        false, noticed = (gains > MIRROR_GAIN).sum(), (1 / gains > MIRROR_GAIN).sum()
        print(f"| {source} | {gains.size} | {false} | {gains.size} | {noticed} |")


def area_under_curve(right: list[float], wrong: list[float]) -> float:
    """Return the probability that a correct pair has a higher contrast than a wrong pair."""
    return float(np.mean([[one > other for other in wrong] for one in right]))


def main() -> None:
    """Measure all pairs and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", nargs="+", default=[], help="one folder per source of data")
    parser.add_argument("--others", type=int, default=3, help="number of other patients paired with each one")
    parser.add_argument("--only_one_head", nargs="+", default=[], help="folders without wrong pairs")
    parser.add_argument("--patients", type=int, help="number of patients per source")
    parser.add_argument("--quick", action="store_true", help="no displaced, turned, flipped or cut-off pairs")
    parser.add_argument("--measured", nargs="+", default=[], help="files of --json of earlier runs to add")
    parser.add_argument("--json", help="file for the results of each pair")
    arguments = parser.parse_args()
    earlier = [tuple(row) for file in arguments.measured for row in json.loads(Path(file).read_text())]
    rows = [list(row) for row in dict.fromkeys(earlier)]  # runs may overlap, and a pair gives the same results again
    for folder in [*arguments.dataset_dir, *arguments.only_one_head]:
        chosen = list(heads(folder).items())[: arguments.patients]
        volumes = {name: (read(fixed), read(flair)) for name, (fixed, flair) in chosen}
        found = [one_head(volumes)]
        if folder in arguments.dataset_dir:
            found.append(two_heads(volumes, arguments.others))
            if not arguments.quick:
                found.append(spoilt_pairs(volumes))
        for row in chain.from_iterable(found):
            rows.append([Path(folder).name, *row])
            print(f"{rows[-1]}", file=sys.stderr, flush=True)
            if arguments.json:
                Path(arguments.json).write_text(json.dumps(rows))
    table(rows)
    print()
    left_out(rows)
    print()
    sides(rows)
    right, wrong = ([row[4] for row in rows if row[1] == kind] for kind in ("one head", "another patient"))
    if wrong:
        print(f"\nArea under the curve, one head against another patient: {area_under_curve(right, wrong):.4f}")


if __name__ == "__main__":
    main()
