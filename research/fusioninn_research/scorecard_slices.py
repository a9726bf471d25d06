"""All that the scorecard says of a patient: fused, decomposed, disturbed, drawn again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.data.slices import brain_mask
from scripts.evaluation.evaluate import METRICS_AT_ONCE, EvaluateVolume
from scripts.evaluation.regions import REGIONS, ssim_by_region
from scripts.inferers.slices_at_once import AUTO, or_else
from scripts.inferers.slicewise import decompose_volume, device_and_precision, fuse_volume
from scripts.metrics import fusion_scores
from scripts.outputs.levels import as_stored
from scripts.transforms.slicing import from_slices, to_slices

from .disturbances import SIGMA, disturbed
from .methods import Ceiling

STORED = "uint8"
METRICS = ("Q_XY", "Q_P")
DRAWN_REGIONS = ("slice", "brain")

# Latents have the seeds from `seed` on; noise of the same numbers would not be independent of them.
NOISE_SEED = 2**32
NEXT_DRAW = 1_000_003


class ScorecardSlices:
    """Measure the slices of a patient, everything from a fused image of 8 bits unless said otherwise.

    Beside the columns of `EvaluateVolume` there are: ``<disturbance>_<source>_<region>``, SSIM of what is decomposed
    from a disturbed fused image (see `disturbed`); ``source_noise_…`` and ``source_noise8_…``, SSIM of a source with
    the same noise, a limit of every method that does not remove noise; ``drawn_…`` and ``spread_…``, mean and standard
    deviation of SSIM over latents drawn from N(0, I); Q_XY and Q_P; ``brain_fraction``, the share of the slice that is
    brain; ``ceiling_<region>`` where it was optimised.

    Args:
        sources: names of the sources.
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of latents and noise. Defaults to 0.
        min_brain_fraction: slices with less brain than this share of their area are left out. Defaults to 0.1.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
        slice_step: measure every n-th of the slices that are left. Defaults to 1.
        draws: number of latents drawn from N(0, I), 2 at least. Defaults to 10.
        ceiling_every: optimise the pixels of one in n of the measured slices of each patient, and of one at least;
            0 for none. Defaults to 8.
        ceiling_steps: steps of that optimisation. Defaults to 200.

    Raises:
        BadInputError: when a setting is none that is possible.
    """

    def __init__(
        self,
        sources: list[str],
        latent: str = "zeros",
        seed: int = 0,
        min_brain_fraction: float = 0.1,
        slices_at_once: int | str = AUTO,
        slice_step: int = 1,
        draws: int = 10,
        ceiling_every: int = 8,
        ceiling_steps: int = 200,
    ) -> None:
        for name, value, least in (
            ("draws", draws, 2),
            ("ceiling_every", ceiling_every, 0),
            ("ceiling_steps", ceiling_steps, 1),
        ):
            if not isinstance(value, int) or value < least:
                raise BadInputError(f"{name} is {value!r}, expected a whole number from {least} on.")
        self.evaluate = EvaluateVolume(
            sources, STORED, latent, seed, min_brain_fraction, slices_at_once, slice_step, metrics=False
        )
        self.sources = list(sources)
        self.slices_at_once, self.draws, self.seed, self.latent = slices_at_once, draws, seed, latent
        self.ceiling_every, self.ceiling_steps = ceiling_every, ceiling_steps
        self.settings = {
            "sources": self.sources,
            "fused_dtype": STORED,
            "latent": latent,
            "seed": seed,
            "min_brain_fraction": min_brain_fraction,
            "slice_step": slice_step,
            "draws": draws,
            "ceiling_every": ceiling_every,
            "ceiling_steps": ceiling_steps,
        }

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Measure one patient.

        Args:
            network: a two-dimensional `FusionINN`.
            data: "image" (N, X, Y, Z) normalised, "intensity_scale", and "seg" (1, X, Y, Z) where there is one.

        Returns:
            "patient"; "rows": a dictionary of figures for every slice; "seconds": time for fusing them all.

        Raises:
            BadInputError: when the network cannot decompose, no slice has enough brain, or slices are smaller than the
                window of SSIM.
        """
        if not hasattr(network, "decompose"):
            raise BadInputError(
                f"{type(network).__name__} cannot decompose, and the scorecard is of methods that can. Give a "
                "FusionINN, or measure it with configs/evaluate.json alone."
            )
        results = self.evaluate(network, data)
        numbers = [row["slice"] for row in results["rows"]]
        image, regions = self._chosen(data, numbers)
        fused = to_slices(fuse_volume(network, from_slices(image, 0), 0, self.slices_at_once, keep_latent=False)[0], 0)
        noise = self._noise(image, numbers)

        columns = self._metrics(network, fused, image)
        columns |= self._disturbed(network, fused, image, regions, noise, numbers)
        columns |= self._noisy_sources(image, regions, noise)
        columns |= self._drawn(network, fused, image, regions, numbers)
        columns["brain_fraction"] = regions["brain"].double().mean(dim=(1, 2, 3))
        columns |= self._ceiling(network, image, regions)
        plain = {name: values.double().cpu().tolist() for name, values in columns.items()}
        rows = [row | {name: plain[name][i] for name in plain} for i, row in enumerate(results["rows"])]
        return {**results, "rows": rows}

    def _chosen(self, data: Mapping[str, Any], numbers: list[int]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Sources (S, N, H, W) and regions (S, 1, H, W) of the slices that `EvaluateVolume` has measured."""
        axis = data["intensity_scale"]["slice_axis"]
        whole = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        brain = brain_mask(whole)
        lesion = torch.as_tensor(np.asarray(data["seg"])) > 0 if "seg" in data else torch.zeros_like(brain)
        masks = {"slice": torch.ones_like(brain), "brain": brain, "lesion": lesion & brain}
        regions = {name: to_slices(masks[name], axis)[numbers] for name in REGIONS}
        return to_slices(whole, axis)[numbers], regions

    def _noise(self, image: torch.Tensor, numbers: list[int]) -> torch.Tensor:
        """Noise for the fused image and for each source, the same whatever else is measured."""
        shape = (image.shape[1] + 1, *image.shape[2:])
        seeds = [NOISE_SEED + self.seed + number for number in numbers]
        return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])

    def _decomposed(
        self, network: nn.Module, stored: torch.Tensor, numbers: list[int], latent: str, seed: int
    ) -> torch.Tensor:
        volume = from_slices(stored, 0)
        return to_slices(decompose_volume(network, volume, 0, latent, seed, self.slices_at_once, numbers), 0)

    def _metrics(self, network: nn.Module, fused: torch.Tensor, image: torch.Tensor) -> dict[str, torch.Tensor]:
        device = device_and_precision(network).device
        at_once = or_else(self.slices_at_once, METRICS_AT_ONCE)
        pairs = zip(*(as_stored(part, STORED).split(at_once) for part in (fused, image)), strict=True)
        parts = [fusion_scores(*(part.to(device) for part in pair), metrics=METRICS) for pair in pairs]
        return {metric: torch.cat([part[metric].cpu() for part in parts]) for metric in METRICS}

    def _disturbed(
        self,
        network: nn.Module,
        fused: torch.Tensor,
        image: torch.Tensor,
        regions: dict[str, torch.Tensor],
        noise: torch.Tensor,
        numbers: list[int],
    ) -> dict[str, torch.Tensor]:
        columns = {}
        for name, read in disturbed(fused, regions["brain"], noise[:, :1]):
            back = self._decomposed(network, read, numbers, self.latent, self.seed)
            columns |= self._by_source(name, ssim_by_region(image, back, regions))
        return columns

    def _noisy_sources(
        self, image: torch.Tensor, regions: dict[str, torch.Tensor], noise: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        noisy = image + SIGMA * noise[:, 1:]
        kinds = {"source_noise": noisy, "source_noise8": as_stored(noisy, STORED)}
        columns = {}
        for name, other in kinds.items():
            columns |= self._by_source(name, ssim_by_region(image, other, regions))
        return columns

    def _drawn(
        self,
        network: nn.Module,
        fused: torch.Tensor,
        image: torch.Tensor,
        regions: dict[str, torch.Tensor],
        numbers: list[int],
    ) -> dict[str, torch.Tensor]:
        stored, some = as_stored(fused, STORED), {name: regions[name] for name in DRAWN_REGIONS}
        found: dict[str, list[torch.Tensor]] = {name: [] for name in some}
        for draw in range(self.draws):
            back = self._decomposed(network, stored, numbers, "normal", self.seed + NEXT_DRAW * draw)
            for name, values in ssim_by_region(image, back, some).items():
                found[name].append(values.double())
        stacks = {name: torch.stack(values) for name, values in found.items()}
        means = self._by_source("drawn", {name: stack.mean(dim=0) for name, stack in stacks.items()})
        return means | self._by_source("spread", {name: stack.std(dim=0) for name, stack in stacks.items()})

    def _ceiling(
        self, network: nn.Module, image: torch.Tensor, regions: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        places = evenly(len(image), self.ceiling_every)
        columns = {f"ceiling_{name}": torch.full((len(image),), torch.nan) for name in REGIONS}
        ceiling = Ceiling(len(self.sources), self.ceiling_steps)
        device = device_and_precision(network).device
        for i in places:
            best = ceiling.to(device)(image[i : i + 1].to(device)).cpu()
            one = {name: mask[i : i + 1] for name, mask in regions.items()}
            for name, values in ssim_by_region(
                image[i : i + 1], best.expand(1, len(self.sources), -1, -1), one
            ).items():
                columns[f"ceiling_{name}"][i] = values.mean()
        return columns

    def _by_source(self, name: str, by_region: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            f"{name}_{source}_{region}": values[:, i]
            for region, values in by_region.items()
            for i, source in enumerate(self.sources)
        }


def evenly(count: int, every: int) -> list[int]:
    """Places of one in `every` of `count` things, at least one, in the middles of equal parts; none where it is 0.

    >>> evenly(16, 8), evenly(3, 8), evenly(16, 0)
    ([4, 12], [1], [])
    """
    if every == 0:
        return []
    parts = math.ceil(count / every)
    return [(2 * part + 1) * count // (2 * parts) for part in range(parts)]
