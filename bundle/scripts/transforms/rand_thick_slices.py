"""RandThickSlicesd: the volume as a scan in thick slices would have it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandThickSlicesd(MapTransform, RandomizableTransform):
    """Join neighbouring slices to thicker ones: each becomes the mean of n.

    Much of what hospitals have is thick: 5 mm, and 1 mm within the slice. A network that has seen cubes only finds
    neighbouring slices there far less alike than it knows them. What is left over at the end is dropped; values stay
    within the range that they had. A mask of bool becomes True where any of the n slices has it.

    Args:
        keys: volumes of shape (N, H, W, S), slices along the last axis.
        prob: probability for a volume. Defaults to 0.25.
        most: largest n; n is uniform from 2 on, and no larger than the number of slices. Defaults to 5.

    Raises:
        ValueError: when `most` is less than 2.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.25, most: int = 5) -> None:
        if most < 2:
            raise ValueError(f"most must be at least 2, got {most}.")
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.most = most

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Join slices, the same ones in every key, or leave them as they are."""
        changed = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return changed
        joined = int(self.R.randint(2, self.most + 1))
        first = int(self.R.randint(joined))
        for key in self.key_iterator(changed):
            changed[key] = _joined(changed[key], joined, first)
        return changed


def _joined(volume: torch.Tensor, joined: int, first: int) -> torch.Tensor:
    count = (volume.shape[-1] - first) // joined
    if count == 0:
        return volume
    groups = volume[..., first : first + count * joined].unflatten(-1, (count, joined))
    return groups.any(dim=-1) if volume.dtype == torch.bool else groups.mean(dim=-1)
