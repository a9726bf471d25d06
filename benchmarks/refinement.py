"""What `--refine` gains: SSIM inside the brain of the fused image and of the estimates, before and after.

python benchmarks/refinement.py --dataset_dir LGG --split_file LGG/split.json --every 8 --steps 60

Each step costs about as much as three decompositions.
"""

from __future__ import annotations

import time
from collections import defaultdict

import torch
from machine import write_figures
from shipped import measured_network, patients_slices, slice_arguments, with_brain

from scripts.evaluation.regions import ssim_by_region
from scripts.inferers.refined_fusion import RefinedFusion
from scripts.outputs.levels import as_stored


def brain_ssim(image: torch.Tensor, other: torch.Tensor, brain: torch.Tensor) -> torch.Tensor:
    """SSIM of each slice with each source, inside the brain."""
    return ssim_by_region(image, other.expand_as(image), {"brain": brain})["brain"]


def main() -> None:
    """Measure and print a table."""
    parser = slice_arguments(__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[60], help="steps of the refinement (60)")
    arguments = parser.parse_args()
    network = measured_network(arguments).eval()
    refined = {steps: RefinedFusion(network, steps) for steps in arguments.steps}
    values: dict[str, list[torch.Tensor]] = defaultdict(list)
    seconds, slices = dict.fromkeys(arguments.steps, 0.0), 0
    for images, brains in patients_slices(arguments):
        chosen = with_brain(brains)
        for image, brain in zip(images[chosen].split(1), brains[chosen].float().split(1), strict=True):
            with torch.no_grad():
                fused_images = {"network": network(image)[0].clamp(0, 1)}
            for steps, refine in refined.items():
                start = time.perf_counter()
                fused_images[f"{steps} steps"] = refine(image)
                seconds[steps] += time.perf_counter() - start
            slices += 1
            mean = image.mean(dim=1, keepdim=True)
            values["plain mean, fused"].append(brain_ssim(image, mean, brain))
            for name, fused in fused_images.items():
                values[f"{name}, fused"].append(brain_ssim(image, fused, brain))
                for dtype in ("uint16", "uint8"):
                    with torch.no_grad():
                        estimates = network.decompose(as_stored(fused, dtype))
                    values[f"{name}, decomposed from {dtype}"].append(brain_ssim(image, estimates, brain))
    seconds = {steps: taken / slices for steps, taken in seconds.items()}
    print(f"{slices} slices;", ", ".join(f"{taken:.1f} s each for {steps} steps" for steps, taken in seconds.items()))
    means = {name: torch.cat(rows).nanmean(dim=0).tolist() for name, rows in values.items()}
    for name, per_source in means.items():
        print(f"{name:36s}", *(f"{value:.4f}" for value in per_source))
    write_figures(arguments.output, {"slices": slices, "seconds": seconds, "ssim_brain": means})


if __name__ == "__main__":
    main()
