"""Largest round-trip errors on whole volumes and on synthetic extremes.

    python benchmarks/roundtrip.py --dataset_dir DIR [--ckpt_path FILE]

Two directions, each in single and double precision: sources are fused and restored from their own latent; fused images
are decomposed with a latent from N(0, I) and fused again. The exit code is 1 if an error exceeds 1e-4 (single) or 1e-9
(double). The latent in single precision is shown but not checked: the sources that it is computed from are rounded to
single precision, 6e-8 near white, and the flow amplifies that.
"""

from __future__ import annotations

import argparse
import copy
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from machine import write_figures
from monai.bundle import ConfigParser
from shipped import BUNDLE
from tqdm import tqdm

from scripts.data.discovery import find_patients, usable
from scripts.flow.latent import draw_latent
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import MODES, NormalizeSourcesd
from scripts.transforms.slicing import to_slices

TOLERANCES = {torch.float32: 1e-4, torch.float64: 1e-9}
COLUMNS = ("sources, single", "sources, double", "fused, single", "fused, double", "latent, single", "latent, double")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", help="folder of patients; only synthetic images if omitted")
    parser.add_argument("--ckpt_path", default=str(BUNDLE / "models" / "model.pt"), help="weights")
    parser.add_argument(
        "--config_file",
        default=str(BUNDLE / "configs" / "inference.json"),
        help="configuration whose network_def and sources are used",
    )
    parser.add_argument("--normalisation", choices=MODES, default="slice")
    parser.add_argument("--every", type=int, default=1, help="take every n-th slice (1: whole volumes)")
    parser.add_argument("--batch_size", type=int, default=8, help="slices at a time")
    parser.add_argument("--threads", type=int, help="threads of the CPU (all of them)")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    return parser.parse_args(arguments)


def synthetic(sources: int, size: int = 240) -> dict[str, torch.Tensor]:
    """Return images unlike brains, each (1, sources, size, size) in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, sources, size, size, generator=generator)
    line = torch.arange(size)
    checkerboard = ((line[:, None] + line) % 2).float().expand(1, sources, size, size)
    bright = torch.zeros(1, sources, size, size)
    bright[..., size // 2, size // 3] = 1
    one_white = torch.zeros(1, sources, size, size)
    one_white[:, 0] = 1
    return {
        "noise": noise,
        "black": torch.zeros_like(noise),
        "white": torch.ones_like(noise),
        "checkerboard": checkerboard,
        "opposite checkerboards": torch.cat((checkerboard[:, :1], 1 - checkerboard[:, 1:]), dim=1),
        "black-and-white noise": (noise > 0.5).float(),
        "one bright pixel": bright,
        "one white source": one_white,
    }


@torch.inference_mode()
def errors(network: FusionINN, images: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Largest errors of both directions.

    Args:
        network: the network, in the precision to be tested.
        images: sources of shape (batch_size, N, spatial_dim1, spatial_dim2).
        seed: seed of the first image's latent. Defaults to 0.

    Returns:
        three numbers: error of the sources, of the fused image and of the latent.
    """
    parameter = next(network.parameters())
    images = images.to(parameter).contiguous(memory_format=torch.channels_last)
    fused, latent = network(images)
    there_and_back = (network.inverse(fused, latent) - images).abs().max()
    fused = fused.clamp(0.0, 1.0)
    latent = draw_latent(fused, network.in_channels - 1, "normal", seed)
    fused_again, latent_again = network(network.inverse(fused, latent))
    found = (there_and_back, (fused_again - fused).abs().max(), (latent_again - latent).abs().max())
    return torch.stack(found).double().cpu()


def largest_errors(networks: Sequence[FusionINN], images: torch.Tensor, batch_size: int) -> list[float]:
    """Largest errors over all images, in the order of `COLUMNS`."""
    batches = list(enumerate(images.split(batch_size)))
    each = [
        torch.stack([errors(network, batch, batch_size * i) for i, batch in batches]).amax(dim=0)
        for network in networks
    ]
    return torch.stack(each, dim=1).flatten().tolist()


def volumes(arguments: argparse.Namespace, sources: Sequence[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the normalised slices of each patient."""
    load, normalize = LoadSourcesd(sources, with_seg=False), NormalizeSourcesd(arguments.normalisation)
    for patient in tqdm(usable(find_patients(arguments.dataset_dir, sources)), desc="Volumes", unit="patient"):
        data = normalize(load(patient))
        slices = to_slices(data["image"], data["intensity_scale"]["slice_axis"])
        yield patient["patient"], slices[:: arguments.every]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table.

    Returns:
        0, or 1 if an error exceeds its tolerance.
    """
    options = parse(arguments)
    logging.disable(logging.INFO)
    if options.threads:
        torch.set_num_threads(options.threads)
    parser = ConfigParser()
    parser.read_config(options.config_file)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_weights(parser.get_parsed_content("network_def"), options.ckpt_path).to(device)
    networks = [copy.deepcopy(network).to(dtype) for dtype in TOLERANCES]
    sources = parser.get_parsed_content("sources")

    rows = [
        (name, len(image), largest_errors(networks, image, options.batch_size))
        for name, image in synthetic(len(sources)).items()
    ]
    images = len(rows)
    if options.dataset_dir:
        for name, slices in volumes(options, sources):
            rows.append((name, len(slices), largest_errors(networks, slices, options.batch_size)))

    lines = [f"| image | slices | {' | '.join(COLUMNS)} |", "|---" * (2 + len(COLUMNS)) + "|"]
    lines += [f"| {name} | {count} | {' | '.join(f'{value:.1e}' for value in found)} |" for name, count, found in rows]
    worst = torch.tensor([found for *_, found in rows], dtype=torch.float64).amax(dim=0)
    lines.append(f"| **largest** | {sum(row[1] for row in rows)} | {' | '.join(f'**{v:.1e}**' for v in worst)} |")
    sys.stdout.write("\n".join(lines) + "\n")
    figures = [
        {"name": name, "slices": count, "errors": found, "patient": index >= images}
        for index, (name, count, found) in enumerate(rows)
    ]
    write_figures(options.output, {"columns": COLUMNS, "rows": figures})
    allowed = torch.tensor([*TOLERANCES.values()] * 3, dtype=torch.float64)
    allowed[COLUMNS.index("latent, single")] = float("inf")
    return int((worst > allowed).any())


if __name__ == "__main__":
    sys.exit(main())
