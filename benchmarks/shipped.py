"""Common code of the benchmarks: the shipped network or another one, and slices of patients."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
sys.path[:0] = [str(BUNDLE), str(BUNDLE.parent / "research")]

from monai.bundle import ConfigParser  # noqa: E402

from scripts.data.discovery import DEFAULT_SOURCES, find_patients  # noqa: E402
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
    parser.add_argument("--ckpt_path", help="weights (those that ship)")
    parser.add_argument("--config_file", nargs="+", default=[], help="configs on top of inference.json")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    return parser


def measured_config(arguments: argparse.Namespace) -> ConfigParser:
    """Return inference.json with the configs and the weights that were given."""
    config = ConfigParser()
    config.read_config([str(BUNDLE / "configs" / "inference.json"), *arguments.config_file])
    if arguments.ckpt_path:
        config["ckpt_path"] = arguments.ckpt_path
    return config


def measured_network(arguments: argparse.Namespace) -> FusionINN:
    """Return the network of `measured_config` with its weights, on the CPU, for the slices of `patients_slices`.

    Raises:
        SystemExit: when the configs name other sources than those slices have.
    """
    config = measured_config(arguments)
    if (sources := config.get_parsed_content("sources")) != list(DEFAULT_SOURCES):
        raise SystemExit(f"{', '.join(DEFAULT_SOURCES)} are measured here, but the configs fuse {', '.join(sources)}.")
    return config.get_parsed_content("network").cpu()


def chosen_patients(arguments: argparse.Namespace, sources: Sequence[str] = DEFAULT_SOURCES) -> list[dict[str, Any]]:
    """Return the records of the patients that the options name.

    Raises:
        SystemExit: when one of them is not there.
    """
    patients = find_patients(arguments.dataset_dir, sources)
    if arguments.split_file:
        patients = validation_patients(patients, arguments.split_file)
    if arguments.patients:
        known = {patient["patient"]: patient for patient in patients}
        if unknown := [name for name in arguments.patients if name not in known]:
            raise SystemExit(f"{unknown[0]} is not a patient of {arguments.dataset_dir}.")
        patients = [known[name] for name in arguments.patients]
    return patients


def patients_slices(arguments: argparse.Namespace) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield sources [S, N, H, W] in [0, 1] and brain [S, 1, H, W] of each patient."""
    load, normalize = LoadSourcesd(with_seg=False), NormalizeSourcesd()
    for patient in chosen_patients(arguments):
        data = normalize(load(patient))
        axis = data["intensity_scale"]["slice_axis"]
        image = data["image"].as_tensor()
        taken = slice(None, None, arguments.every)
        yield to_slices(image, axis)[taken].contiguous(), to_slices(brain_mask(image), axis)[taken]


def with_brain(brain: torch.Tensor) -> torch.Tensor:
    """Tell the slices of `patients_slices` that have brain on a tenth of their area or more, as S booleans."""
    return brain.float().mean(dim=(1, 2, 3)) >= 0.1
