"""RandForeignContrastd: occasionally apply a contrast that the training data lack."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandForeignContrastd(MapTransform, RandomizableTransform):
    """Saturate or invert sources independently, to imitate other modalities.

    Saturation imitates bone in CT or a bright focus in PET: ``x -> min(1, gain x)``. Inversion imitates diffusivity,
    which is dark where a T2-weighted image is bright: ``x -> top - x`` where the source is not 0, with top its largest
    value. 0 stays 0 and values stay within [0, 1].

    Args:
        keys: images of shape (N, …) in [0, 1].
        prob: probability for each source. Defaults to 0.03.
        max_gain: largest gain; the smallest is 1. Defaults to 4.0.

    Raises:
        ValueError: when `max_gain` is less than 1 or `prob` is not in [0, 1].
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.03, max_gain: float = 4.0) -> None:
        if not max_gain >= 1:
            raise ValueError(f"max_gain must be at least 1, got {max_gain}.")
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must lie between 0 and 1, got {prob}.")
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.each_prob = prob
        self.max_gain = max_gain

    def randomize(self, sources: int) -> None:  # type: ignore[override]
        """Draw the change of every source."""
        # Draw for all sources, chosen or not, so that the change of one does not depend on the others.
        self.chosen = self.R.random_sample(sources) < self.each_prob
        self.inverted = self.R.random_sample(sources) < 0.5
        self.gain = np.exp(self.R.uniform(0, np.log(self.max_gain), sources))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Change the chosen sources of every key."""
        changed = dict(data)
        for key in self.key_iterator(changed):
            image = changed[key]
            self.randomize(image.shape[0])
            changed[key] = torch.stack([self._changed(source, i) for i, source in enumerate(image)])
        return changed

    def _changed(self, source: torch.Tensor, i: int) -> torch.Tensor:
        if not self.chosen[i]:
            return source
        if self.inverted[i]:
            return torch.where(source > 0, source.max() - source, source)
        return (float(self.gain[i]) * source).clamp(max=1.0)
