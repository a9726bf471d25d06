"""Accuracy of the registration of two contrasts of one head. For detecting different heads see likeness.py.

Moves FLAIR by known rotations and shifts, resamples it to other voxel sizes, and registers it to T1-Gd again.

    python benchmarks/registration.py                 # the phantom
    python benchmarks/registration.py --dataset_dir OPEN --motions 3
    python benchmarks/registration.py --dataset_dir OPEN --part interpolation
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
sys.path.insert(0, str(BUNDLE))

from scripts.data.discovery import find_patients  # noqa: E402
from scripts.registration.motion import largest_displacement, rigid_matrix  # noqa: E402
from scripts.registration.resample import resample  # noqa: E402
from scripts.registration.rigid import register  # noqa: E402
from scripts.registration.similarity import similarity  # noqa: E402
from scripts.registration.volume import Volume, head_points  # noqa: E402

SPACINGS = ((1.0, 1.0, 1.0), (1.0, 1.0, 5.0), (0.9, 5.0, 0.9))
DEGREES, MM = 15.0, 20.0


def read(file: str) -> Volume:
    """Read a NIfTI file."""
    image = nib.load(file)
    return Volume(np.asarray(image.dataobj, dtype=np.float32), image.affine)


def scanned_again(volume: Volume, truth: np.ndarray, points: np.ndarray, spacing: tuple[float, ...]) -> Volume:
    """Simulate a scan with voxels of `spacing` after the head moved by `truth`."""
    moved = points @ truth[:3, :3].T + truth[:3, 3]
    low, high = moved.min(0) - 15, moved.max(0) + 15
    onto = np.diag([*spacing, 1.0])
    onto[:3, 3] = low
    shape = tuple(int(n) for n in np.ceil((high - low) / spacing))
    return Volume(resample(volume.values, volume.affine, onto, shape, np.linalg.inv(truth)).volume, onto)


def motions(points: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Yield rotations up to 15 degrees about each axis and shifts up to 20 mm along each, the first at these limits."""
    rng = np.random.default_rng(6)
    centre = points.mean(0)
    yield rigid_matrix(np.full(3, DEGREES), np.full(3, MM), centre)
    for _ in range(count - 1):
        yield rigid_matrix(rng.uniform(-DEGREES, DEGREES, 3), rng.uniform(-MM, MM, 3), centre)


def known_motions(patients: list[dict[str, str]], count: int) -> None:
    """Print the error of registration against the known motion, for each patient and voxel size."""
    print("| patient | voxels of FLAIR, mm | from the header, mm | from the pair as it was, mm | similarity | s |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for patient in patients:
        fixed, flair = read(patient["t1gd"]), read(patient["flair"])
        points = head_points(fixed)
        unmoved = register(fixed, flair)
        print(f"| {patient['patient']} | as it is | {largest_displacement(unmoved, points):.2f} | | "
              f"{similarity(fixed, flair, unmoved)[0]:.3f} | |")  # fmt: skip
        for spacing in SPACINGS:
            errors, ends, alike, seconds = [], [], [], []
            for truth in motions(points, count):
                moving = scanned_again(flair, truth, points, spacing)
                start = time.process_time()
                found = register(fixed, moving)
                seconds.append(time.process_time() - start)
                errors.append(largest_displacement(found, points, truth))
                ends.append(largest_displacement(found, points, truth @ unmoved))
                alike.append(similarity(fixed, moving, found)[0])
            print(
                f"| {patient['patient']} | {' x '.join(f'{n:g}' for n in spacing)} | {max(errors):.2f} | "
                f"{max(ends):.2f} | {min(alike):.3f} | {np.mean(seconds):.1f} |",
                flush=True,
            )


def interpolation(patients: list[dict[str, str]]) -> None:
    """Print the error of resampling there and back, by the order of the splines."""
    print("| patient | order | root mean square error in the head, % of its mean | background that is not 0, % |")
    print("| --- | ---: | ---: | ---: |")
    for patient in patients:
        volume = read(patient["flair"])
        points = head_points(volume)
        truth = rigid_matrix(np.array([6.0, -4.0, 9.0]), np.array([3.3, -7.6, 4.1]), points.mean(0))
        head = volume.values > 0
        for order in (1, 2, 3, 5):
            there = resample(volume.values, volume.affine, volume.affine, volume.values.shape, truth, order).volume
            back = resample(
                there, volume.affine, volume.affine, volume.values.shape, np.linalg.inv(truth), order
            ).volume
            lost = np.sqrt(np.mean((back - volume.values)[head] ** 2)) / volume.values[head].mean()
            print(f"| {patient['patient']} | {order} | {lost:.2%} | {np.mean(back[~head] != 0):.2%} |", flush=True)


def main() -> None:
    """Print the requested tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default=str(BUNDLE / "example"), help="registered patients")
    parser.add_argument("--motions", type=int, default=2, help="known motions for each patient and voxel size")
    parser.add_argument("--part", choices=("motions", "interpolation"), default="motions")
    arguments = parser.parse_args()
    patients = find_patients(arguments.dataset_dir)
    if arguments.part == "motions":
        known_motions(patients, arguments.motions)
    else:
        interpolation(patients)


if __name__ == "__main__":
    main()
