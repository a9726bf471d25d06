"""How strong a pattern of two pixels the fused image shows, where the code that decomposition needs could be seen.

Prints the amplitude of the repeating diagonal pattern in grey levels of 8 bits: of each patient's windows of 16 x 16
pixels inside the brain the 99th percentile, mean over the patients and worst of them, for the fused image in 16 bits
and for the sources; also for the windows where the sources differ by more than 0.35 of the range.

    python benchmarks/pattern.py --dataset_dir DIR [--patients ID …] [--split_file split.json] [--every 12]
"""

from __future__ import annotations

import torch
from machine import write_figures
from shipped import measured_network, patients_slices, slice_arguments, with_brain

from scripts.metrics.haar_energy import BANDS
from scripts.metrics.repeating_pattern import repeating_pattern, windows_where_sources_differ
from scripts.outputs.levels import as_stored

NAMES = ("fused", "T1-Gd", "FLAIR")
DIAGONAL = BANDS.index("HH")
PERCENTILE = 0.99


def percentile(amplitudes: torch.Tensor) -> float:
    """Return the 99th percentile of the amplitudes inside the brain, or NaN if no window lies inside it."""
    found = amplitudes[amplitudes.isfinite()]
    return found.quantile(PERCENTILE).item() if found.numel() else float("nan")


@torch.inference_mode()
def main() -> None:
    """Read the slices, fuse, print a table."""
    arguments = slice_arguments(__doc__).parse_args()
    network = measured_network(arguments)
    rows = []
    for image, brain in patients_slices(arguments):
        chosen = with_brain(brain)
        image, brain = image[chosen], brain[chosen]
        if not len(image):
            continue
        fused = torch.cat([as_stored(network(one)[0].clamp(0, 1), "uint16") for one in image.split(4)])
        diagonal = repeating_pattern(torch.cat([fused, image], dim=1), brain)[:, :, DIAGONAL]
        different = diagonal.where(windows_where_sources_differ(image)[:, None], torch.nan)
        rows.append([[percentile(where[:, i]) for i in range(len(NAMES))] for where in (diagonal, different)])
    everywhere, different = torch.tensor(rows, dtype=torch.float64).unbind(dim=1)
    figures = {"patients": len(rows)}
    print(f"{len(rows)} patients; mean / worst, and where the sources differ")
    for i, name in enumerate(NAMES):
        figures[name] = {
            place: {"mean": values[:, i].nanmean().item(), "worst": values[:, i].nan_to_num(0).max().item()}
            for place, values in (("brain", everywhere), ("where the sources differ", different))
        }
        print(f"{name:8}", *(f"{value['mean']:.2f} / {value['worst']:.2f}  " for value in figures[name].values()))
    write_figures(arguments.output, figures)


if __name__ == "__main__":
    main()
