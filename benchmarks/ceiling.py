"""How well any fused image can score: its pixels optimised directly for the mean SSIM with the sources.

Prints the ceiling beside the plain mean and the shipped network, all on the same slices.

    python benchmarks/ceiling.py --dataset_dir DIR [--split_file split.json] [--every 5]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
sys.path.insert(0, str(BUNDLE))

from monai.bundle import ConfigParser  # noqa: E402

from scripts.data.discovery import find_patients  # noqa: E402
from scripts.data.split import validation_patients  # noqa: E402
from scripts.losses.ssim import SSIM  # noqa: E402
from scripts.transforms.load_sources import LoadSourcesd  # noqa: E402
from scripts.transforms.normalize import NormalizeSourcesd  # noqa: E402
from scripts.transforms.slicing import to_slices  # noqa: E402


def mean_ssim(ssim: SSIM, image: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """SSIM of a fused image with its sources, one number per slice."""
    return ssim(image, fused.expand_as(image)).mean(dim=1)


def ceiling(ssim: SSIM, image: torch.Tensor, steps: int) -> torch.Tensor:
    """Best fused image that Adam finds from the mean of the sources."""
    fused = image.mean(dim=1, keepdim=True).clone().requires_grad_()
    optimizer = torch.optim.Adam([fused], lr=0.005)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        (-mean_ssim(ssim, image, fused).sum()).backward()
        optimizer.step()
        schedule.step()
    return fused.detach()


def main() -> None:
    """Read the slices, optimise, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", required=True, help="folder of patients")
    parser.add_argument("--split_file", help="take the validation patients of this split only")
    parser.add_argument("--every", type=int, default=5, help="take every n-th slice (5)")
    parser.add_argument("--steps", type=int, default=200, help="steps of the optimisation (200)")
    arguments = parser.parse_args()

    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.json"))
    network = config.get_parsed_content("network").cpu()
    patients = find_patients(arguments.dataset_dir)
    if arguments.split_file:
        patients = validation_patients(patients, arguments.split_file)
    load, normalize, ssim = LoadSourcesd(with_seg=False), NormalizeSourcesd(), SSIM()
    scores: dict[str, list[torch.Tensor]] = {"plain mean": [], "network, 8 bits": [], "ceiling": []}
    for patient in patients:
        data = normalize(load(patient))
        slices = to_slices(data["image"].as_tensor(), data["intensity_scale"]["slice_axis"])
        image = slices[:: arguments.every].contiguous()
        with torch.no_grad():
            fused = (network(image)[0].clamp(0, 1) * 255).round() / 255
            scores["plain mean"].append(mean_ssim(ssim, image, image.mean(dim=1, keepdim=True)))
            scores["network, 8 bits"].append(mean_ssim(ssim, image, fused))
        scores["ceiling"].append(mean_ssim(ssim, image, ceiling(ssim, image, arguments.steps)))
    print(f"{len(patients)} patients, {sum(map(len, scores['ceiling']))} slices, mean SSIM with both sources")
    for name, values in scores.items():
        print(f"{name:16} {torch.cat(values).mean():.4f}")


if __name__ == "__main__":
    main()
