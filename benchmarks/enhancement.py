"""How much of the contrast enhancement of T1-Gd comes back, in patients with an unenhanced T1.

    python benchmarks/enhancement.py --dataset_dir DIR [--patients ID …] [--every 6]
        [--config_file bundle/configs/four_contrasts.json --ckpt_path RUN/model.pt]

Enhancement is what a linear function of T1, fitted in each slice to the brain without the tumour, leaves of T1-Gd. It
is averaged over the enhancing tumour (label 4 of the segmentation), or over the strongest 1 % of the brain where there
is none; the estimate, from 16 bits, is compared with its source.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from machine import write_figures
from shipped import chosen_patients, measured_config, slice_arguments, with_brain

from fusioninn_research.enhancement import enhancement, share_kept
from scripts.data.slices import brain_mask
from scripts.networks import FusionINN
from scripts.outputs.levels import as_stored
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd
from scripts.transforms.slicing import to_slices

ENHANCING = 4
STRONGEST = 0.99


def share_of(network: FusionINN, data: dict, sources: Sequence[str], every: int) -> tuple[float, bool]:
    """Return the share of a patient's enhancement that the estimate shows, and whether the tumour was segmented."""
    axis = data["intensity_scale"]["slice_axis"]
    image, brain = (to_slices(volume, axis)[::every] for volume in (data["image"], brain_mask(data["image"])))
    tumour = to_slices(data["seg"], axis)[::every] if "seg" in data else torch.zeros_like(image[:, :1])
    segmented = bool((tumour == ENHANCING).any())
    if not segmented:
        tumour = torch.zeros_like(tumour)
    chosen = with_brain(brain)
    image, brain, tumour = image[chosen], brain[chosen], tumour[chosen]
    images = dict(zip(data["files"], image.split(1, dim=1), strict=True))
    enhanced, explained = enhancement(images["t1gd"], images["t1"], brain & (tumour == 0))
    where = tumour == ENHANCING
    if not segmented:
        where = brain & (enhanced >= enhanced[brain & enhanced.isfinite()].double().quantile(STRONGEST))
    fed = torch.cat([images[source] for source in sources], dim=1)
    estimates = torch.cat([network.decompose(as_stored(network(one)[0], "uint16")) for one in fed.split(4)])
    t1gd = list(sources).index("t1gd")
    return share_kept(estimates[:, t1gd : t1gd + 1], images["t1gd"], explained, where), segmented


@torch.inference_mode()
def main() -> None:
    """Read the patients, decompose, print a line for each."""
    arguments = slice_arguments(__doc__).parse_args()
    config = measured_config(arguments)
    network, sources = config.get_parsed_content("network").cpu(), config.get_parsed_content("sources")
    read = list(dict.fromkeys([*sources, "t1"]))
    load, normalize = LoadSourcesd(read), NormalizeSourcesd()
    figures = {}
    for patient in chosen_patients(arguments, read):
        share, segmented = share_of(network, normalize(load(patient)), sources, arguments.every)
        figures[patient["patient"]] = {"share": share, "segmented": segmented}
        print(f"{patient['patient']:20} {share:.2f}", "" if segmented else "(strongest 1 % of the brain)")
    write_figures(arguments.output, figures)


if __name__ == "__main__":
    main()
