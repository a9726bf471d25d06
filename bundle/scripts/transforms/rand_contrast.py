"""RandContrastd: randomly change the contrast of each source, as between scanners."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandContrastd(MapTransform, RandomizableTransform):
    """Raise each source to a random power and scale it, independently per source.

    ``x -> gain · x ** gamma`` maps 0 to 0 and [0, 1] into [0, 1].

    Args:
        keys: images of shape (N, …) in [0, 1].
        prob: probability for each source. Defaults to 0.7.
        log_gamma: largest absolute logarithm of the power. Defaults to 0.35 (powers 0.70 to 1.42).
        min_gain: smallest gain; the largest is 1. Defaults to 0.6.

    Raises:
        ValueError: when `min_gain` is not in (0, 1] or `log_gamma` is negative.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.7,
        log_gamma: float = 0.35,
        min_gain: float = 0.6,
    ) -> None:
        if not 0 < min_gain <= 1 or log_gamma < 0:
            raise ValueError(f"expected 0 < min_gain <= 1 and log_gamma >= 0, got {min_gain} and {log_gamma}.")
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.each_prob = prob
        self.log_gamma = log_gamma
        self.min_gain = min_gain

    def randomize(self, sources: int) -> None:  # type: ignore[override]
        """Draw gamma and gain of every source."""
        chosen = self.R.random_sample(sources) < self.each_prob
        self.gamma = np.where(chosen, np.exp(self.R.uniform(-self.log_gamma, self.log_gamma, sources)), 1.0)
        self.gain = np.where(chosen, self.R.uniform(self.min_gain, 1.0, sources), 1.0)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Change the contrast of every key."""
        changed = dict(data)
        for key in self.key_iterator(changed):
            image = changed[key]
            self.randomize(image.shape[0])
            shape = (-1, *[1] * (image.ndim - 1))
            gamma, gain = (image.new_tensor(values).view(shape) for values in (self.gamma, self.gain))
            changed[key] = gain * image.clamp(0.0, 1.0) ** gamma
        return changed
