"""VolumeDataset: the brains of many patients in memory, as training items in three dimensions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from scripts.data.discovery import Patient

from .slice_dataset import SliceDataset


class VolumeDataset(SliceDataset):
    """Volumes of many patients, normalised, read once and kept in memory.

    An item is {"image": float32 [N, H, W, S], "patient": str, "brain": bool [1, H, W, S]}, cut to the box around the
    brain and `margin` voxels of what lies around it. Slices follow each other along the last axis, whichever axis of
    the file they lie along; "brain" is where any source shows anatomy. Volumes differ in size.

    Volumes are read, normalised, kept in 16 bits and cached as slices are, see `SliceDataset`: two bytes for each voxel
    and source, 28 MB for the brain slices of a 240 x 240 x 155 pair.

    Args:
        patients: records of `find_patients`, without problems.
        sources: modalities, in the order of the channels. Defaults to ("t1gd", "flair").
        normalisation: "volume" or "slice", see `NormalizeSourcesd`. Defaults to "volume".
        margin: voxels kept around the brain, where the volume has them. Defaults to 4.
        slice_axis: axis that slices lie along. Defaults to None (taken from each affine).
        lower: lower percentile of "volume". Defaults to 0.
        upper: upper percentile of "volume". Defaults to 99.9.
        transform: applied to each item.
        cache_dir: see `SliceDataset`. Defaults to None (no cache).
        on_bad_input: "raise" or "skip", see `SliceDataset`. Defaults to "raise".
        progress: whether to show a progress bar over patients. Defaults to True.

    Raises:
        BadInputError: a setting is wrong, or patients cannot be read or show nothing.
    """

    def __init__(
        self,
        patients: Sequence[Patient],
        sources: Sequence[str] = ("t1gd", "flair"),
        normalisation: str = "volume",
        margin: int = 4,
        slice_axis: int | None = None,
        lower: float = 0.0,
        upper: float = 99.9,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        on_bad_input: str = "raise",
        progress: bool = True,
    ) -> None:
        self.margin = margin
        super().__init__(
            patients,
            sources,
            normalisation,
            criterion="brain",
            min_brain_fraction=0.0,
            slice_axis=slice_axis,
            lower=lower,
            upper=upper,
            transform=transform,
            cache_dir=cache_dir,
            on_bad_input=on_bad_input,
            progress=progress,
        )

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, index: int) -> Any:
        """Return one volume.

        Args:
            index: number of the patient among those that can be used.

        Returns:
            the item described above, or what `transform` makes of it.
        """
        slices = self._slices[index]
        height, width = slices.codes.shape[2:]
        masks = np.unpackbits(slices.brain, axis=1, count=height * width).reshape(-1, height, width)
        rows, columns = (self._extent(masks.any(axis=(0, other))) for other in (2, 1))
        codes = slices.codes[:, :, rows, columns].astype(np.float32) / np.float32(65535)
        low, high = (values[:, :, None, None] for values in (slices.low, slices.high))
        # A slice without brain between others that have some is not among them: it stays black.
        places = slices.numbers - slices.numbers[0]
        image = np.zeros((places[-1] + 1, *codes.shape[1:]), dtype=np.float32)
        image[places] = low + codes * (high - low)
        brain = np.zeros((places[-1] + 1, 1, *codes.shape[2:]), dtype=bool)
        brain[places, 0] = masks[:, rows, columns]
        item = {
            "image": torch.from_numpy(image).movedim(0, -1),
            "patient": self._patients[index],
            "brain": torch.from_numpy(brain).movedim(0, -1),
        }
        return item if self.transform is None else self.transform(item)

    def _extent(self, shows: np.ndarray) -> slice:
        """Rows or columns from the first to the last that show something, with the margin."""
        where = np.flatnonzero(shows)
        return slice(max(int(where[0]) - self.margin, 0), int(where[-1]) + 1 + self.margin)
