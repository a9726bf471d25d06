"""RandSourceOrderd: occasionally change the order of the sources."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandSourceOrderd(MapTransform, RandomizableTransform):
    """Rotate the order of an image's sources: all move on by the same number, the last ones to the front.

    The differences between sources vary with scanner, sequence and modality. A network trained on a single order relies
    on that order.

    Args:
        keys: images of shape (N, …), N at least 2.
        prob: probability for an image. Defaults to 0.03.

    Raises:
        ValueError: when `prob` is not in [0, 1].
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.03) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must lie between 0 and 1, got {prob}.")
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Reorder the sources, or return them unchanged."""
        changed = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return changed
        for key in self.key_iterator(changed):
            image = changed[key]
            # never by 0, which would not change the order
            steps = 1 + self.R.randint(image.shape[0] - 1)
            changed[key] = torch.roll(image, int(steps), dims=0)
        return changed
