"""How well any fused image can score: its pixels optimised directly for the mean SSIM with the sources.

Prints the ceiling beside the plain mean and the shipped network, all on the same slices.

    python benchmarks/ceiling.py --dataset_dir DIR [--split_file split.json] [--every 5]
"""

from __future__ import annotations

import torch
from machine import write_figures
from shipped import measured_network, patients_slices, slice_arguments

from fusioninn_research.methods import Ceiling
from scripts.cases.fuse import as_stored
from scripts.losses.ssim import SSIM


def mean_ssim(ssim: SSIM, image: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """SSIM of a fused image with its sources, one number per slice."""
    return ssim(image, fused.expand_as(image)).mean(dim=1)


def main() -> None:
    """Read the slices, optimise, print a table."""
    parser = slice_arguments(__doc__)
    parser.add_argument("--steps", type=int, default=200, help="steps of the optimisation (200)")
    arguments = parser.parse_args()
    network, ssim, ceiling = measured_network(arguments), SSIM(), Ceiling(steps=arguments.steps)
    scores: dict[str, list[torch.Tensor]] = {"plain mean": [], "network, 8 bits": [], "ceiling": []}
    for image, _ in patients_slices(arguments):
        with torch.no_grad():
            fused = as_stored(network(image)[0], "uint8")
            scores["plain mean"].append(mean_ssim(ssim, image, image.mean(dim=1, keepdim=True)))
            scores["network, 8 bits"].append(mean_ssim(ssim, image, fused))
        scores["ceiling"].append(mean_ssim(ssim, image, ceiling(image)))
    print(f"{len(scores['ceiling'])} patients, {sum(map(len, scores['ceiling']))} slices, SSIM, mean of both sources")
    found = {name: torch.cat(values).mean().item() for name, values in scores.items()}
    for name, value in found.items():
        print(f"{name:16} {value:.4f}")
    slices = sum(map(len, scores["ceiling"]))
    write_figures(arguments.output, {"patients": len(scores["ceiling"]), "slices": slices, "ssim": found})


if __name__ == "__main__":
    main()
