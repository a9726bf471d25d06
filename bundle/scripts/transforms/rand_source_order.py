"""RandSourceOrderd: now and then the sources the other way round."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandSourceOrderd(MapTransform, RandomizableTransform):
    """Let the sources of an image change places: all move on by as many, the last ones to the front.

    What makes one source unlike the other, other than its place, differs between scanners, sequences and modalities. A
    network that has seen the sources in one order only relies on it.

    Args:
        keys: images of shape (N, …), N at least 2.
        prob: probability for an image. Defaults to 0.03.

    Raises:
        ValueError: when `prob` is no probability.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.03) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must lie between 0 and 1, got {prob}.")
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Exchange the sources, or leave them where they are."""
        changed = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return changed
        for key in self.key_iterator(changed):
            image = changed[key]
            # never by none: that would leave them where they are
            steps = 1 + self.R.randint(image.shape[0] - 1)
            changed[key] = torch.roll(image, int(steps), dims=0)
        return changed
