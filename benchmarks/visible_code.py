"""Whether the code that decomposition needs can be seen: energy of the finest Haar bands inside the brain.

Prints the root mean square of each band over the 2 x 2 blocks that lie wholly in the brain and over the slices, mean
over patients, for the sources, their mean, the fused image in 8 bits, and the decomposed images (zeros as latent).

    python benchmarks/visible_code.py --dataset_dir DIR [--split_file split.json] [--every 5]
"""

from __future__ import annotations

import torch
from machine import write_figures
from shipped import measured_network, patients_slices, slice_arguments

from scripts.cases.fuse import as_stored
from scripts.metrics.haar_energy import haar_energy

NAMES = ("T1-Gd", "FLAIR", "mean of both", "fused", "decomposed T1-Gd", "decomposed FLAIR")


@torch.inference_mode()
def main() -> None:
    """Read the slices, fuse, decompose, print a table."""
    arguments = slice_arguments(__doc__).parse_args()
    network = measured_network(arguments)
    energies = []
    for image, brain in patients_slices(arguments):
        fused = as_stored(network(image)[0], "uint8")
        shown = (image, image.mean(dim=1, keepdim=True), fused, network.decompose(fused, "zeros"))
        energies.append(torch.cat([haar_energy(part, brain) for part in shown], dim=1).square().nanmean(dim=0).sqrt())
    print(f"{len(energies)} patients; detail along columns, along rows, along both")
    bands = dict(zip(NAMES, torch.stack(energies).mean(dim=0).tolist(), strict=True))
    for name, row in bands.items():
        print(f"{name:16} " + "  ".join(f"{value:.4f}" for value in row))
    write_figures(arguments.output, {"patients": len(energies), "bands": bands})


if __name__ == "__main__":
    main()
