"""What the segmenters see of a patient: sources, estimates, fused image and plain mean, made once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.outputs.levels import as_stored
from scripts.outputs.writing import result_file

from ..measured_slices import MeasuredSlices

SOURCES, FUSED, MEAN = "sources", "fused", "mean"
ESTIMATES = "estimates_{}"
"""Name of the estimates, with the storage type of the fused image that they come from."""
LESION = "lesion"


@dataclass(frozen=True)
class SegmenterInput:
    """A patient as the segmenters see it, cut to the box of the brain.

    Args:
        images: what is segmented by name: (S, C, h, w) float32, at the resolution of the segmenter.
        lesion: the true lesion, (S, 1, H, W) bool, in the pixels of the patient; H = h × downsampling.
    """

    images: Mapping[str, torch.Tensor]
    lesion: torch.Tensor

    def save(self, path: Path) -> None:
        """Write it to a file of NumPy arrays.

        Raises:
            BadInputError: the file cannot be written.
        """
        arrays = {name: image.numpy() for name, image in {**self.images, LESION: self.lesion}.items()}
        with result_file(path, ".npz") as temporary:
            np.savez(temporary, **arrays)

    @classmethod
    def load(cls, path: Path) -> SegmenterInput | None:
        """Read what `save` wrote; None where there is no such file, or not a whole one."""
        try:
            with np.load(path) as arrays:
                images = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
            return cls(images, images.pop(LESION))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    def padded(self, size: tuple[int, int], downsampling: int) -> SegmenterInput:
        """Return it with background around it.

        Args:
            size: height and width of the images.
            downsampling: pixels of the patient along a pixel of the images.
        """
        margins = _margins(next(iter(self.images.values())), size)
        return SegmenterInput(
            {name: functional.pad(image, margins) for name, image in self.images.items()},
            functional.pad(self.lesion, [margin * downsampling for margin in margins]),
        )


@torch.no_grad()
def segmenter_input(
    network: nn.Module,
    slices: MeasuredSlices,
    stores: Sequence[str],
    latent: str = "zeros",
    seed: int = 0,
    slices_at_once: int = 2,
    downsampling: int = 2,
) -> SegmenterInput:
    """Fuse a patient, store the fused image, decompose it, and cut all to the box of the brain.

    Args:
        network: the network that fuses and decomposes.
        slices: the patient, with its lesion.
        stores: how the fused image is stored before it is decomposed; what is segmented is stored by the first way.
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.
        slices_at_once: slices in a batch. Defaults to 2.
        downsampling: mean of so many pixels along both axes. Defaults to 2.
    """
    sources = slices.sources
    fused, _ = fuse_volume(network, sources.movedim(1, 0), 0, slices_at_once, keep_latent=False)
    images = {SOURCES: sources}
    for store in stores:
        stored = as_stored(fused, store)
        images.setdefault(FUSED, stored.movedim(0, 1))
        estimates = decompose_volume(network, stored, 0, latent, seed, slices_at_once, slices.numbers)
        images[ESTIMATES.format(store)] = estimates.movedim(0, 1)
    images[MEAN] = sources.mean(dim=1, keepdim=True)
    rows, columns = (_box(slices.brain.any(dim=(0, 1)).any(dim=1 - along), downsampling) for along in (0, 1))
    return SegmenterInput(
        {name: functional.avg_pool2d(_cut(image, rows, columns), downsampling) for name, image in images.items()},
        _cut(slices.lesion, rows, columns),
    )


def _box(seen: torch.Tensor, multiple: int) -> tuple[int, int]:
    """First row with brain, and where a whole number of coarse pixels ends; may lie beyond the image."""
    there = seen.nonzero().flatten()
    first = int(there[0])
    return first, first + -(-(int(there[-1]) + 1 - first) // multiple) * multiple


def _cut(image: torch.Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> torch.Tensor:
    """Cut to a box; what lies beyond the image is background."""
    beyond = [max(0, box[1] - side) for box, side in zip((rows, columns), image.shape[-2:], strict=True)]
    whole = functional.pad(image, (0, beyond[1], 0, beyond[0]))
    return whole[..., rows[0] : rows[1], columns[0] : columns[1]].contiguous()


def _margins(image: torch.Tensor, size: tuple[int, int]) -> list[int]:
    """Left, right, upper and lower margin that centre an image."""
    missing = [wanted - had for wanted, had in zip(reversed(size), reversed(image.shape[-2:]), strict=True)]
    return [margin for one in missing for margin in (one // 2, one - one // 2)]
