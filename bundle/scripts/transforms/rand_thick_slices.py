"""RandThickSlicesd: randomly average neighbouring slices to thick slices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandThickSlicesd(MapTransform, RandomizableTransform):
    """Average n neighbouring slices to a thicker one.

    Many clinical scans have slices of 5 mm and pixels of 1 mm. Their neighbouring slices differ far more than those of
    the isotropic voxels that a network is otherwise trained on. Slices left over at the end are dropped; the range of
    values is preserved. A boolean mask becomes True where any of the n slices is True.

    Args:
        keys: volumes of shape (N, H, W, S), slices along the last axis.
        prob: probability for a volume. Defaults to 0.25.
        most: largest n; n is drawn uniformly from 2 to this, limited by the number of slices. Defaults to 5.

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
        """Average the same slices in every key, or return them unchanged."""
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
