"""Common code of the benchmarks: the shipped network, and slices of patients."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
sys.path[:0] = [str(BUNDLE), str(BUNDLE.parent / "research")]

from monai.bundle import ConfigParser  # noqa: E402

from scripts.data.discovery import find_patients  # noqa: E402
from scripts.data.slices import brain_mask  # noqa: E402
from scripts.data.split import validation_patients  # noqa: E402
from scripts.networks import FusionINN  # noqa: E402
from scripts.transforms.load_sources import LoadSourcesd  # noqa: E402
from scripts.transforms.normalize import NormalizeSourcesd  # noqa: E402
from scripts.transforms.slicing import to_slices  # noqa: E402


def slice_arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options for choosing slices."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", required=True, help="folder of patients")
    parser.add_argument("--split_file", help="use only the validation patients of this split")
    parser.add_argument("--patients", nargs="+", metavar="PATIENT", help="use only these")
    parser.add_argument("--every", type=int, default=5, help="take every n-th slice (5)")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    return parser


def shipped_network() -> FusionINN:
    """Return the network of inference.json with its weights, on the CPU."""
    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.json"))
    return config.get_parsed_content("network").cpu()


def patients_slices(arguments: argparse.Namespace) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield sources [S, N, H, W] in [0, 1] and brain [S, 1, H, W] of each patient."""
    patients = find_patients(arguments.dataset_dir)
    if arguments.split_file:
        patients = validation_patients(patients, arguments.split_file)
    if arguments.patients:
        known = {patient["patient"]: patient for patient in patients}
        if unknown := [name for name in arguments.patients if name not in known]:
            raise SystemExit(f"{unknown[0]} is not a patient of {arguments.dataset_dir}.")
        patients = [known[name] for name in arguments.patients]
    load, normalize = LoadSourcesd(with_seg=False), NormalizeSourcesd()
    for patient in patients:
        data = normalize(load(patient))
        axis = data["intensity_scale"]["slice_axis"]
        image = data["image"].as_tensor()
        taken = slice(None, None, arguments.every)
        yield to_slices(image, axis)[taken].contiguous(), to_slices(brain_mask(image), axis)[taken]


def with_brain(brain: torch.Tensor) -> torch.Tensor:
    """Tell the slices of `patients_slices` that have brain on a tenth of their area or more, as S booleans."""
    return brain.float().mean(dim=(1, 2, 3)) >= 0.1
