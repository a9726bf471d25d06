"""RandPatternd: occasionally blend in a pattern unlike any brain, to keep the flow stable on such images."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

PATTERNS = ("checkerboard", "rows", "columns", "binary", "uniform")


class RandPatternd(MapTransform, RandomizableTransform):
    """Blend each source with its own checkerboard, stripes or noise.

    ``x -> (1 - a) x + a p`` with a uniform in [0, 1] and a pattern p in [0, 1], so values stay within [0, 1]. The
    finest frequency bands of such images are far stronger than those of any brain. A network trained without them
    amplifies them without bound, and single precision is then insufficient for an exact inverse.

    Args:
        keys: images of shape (N, H, W) or volumes of shape (N, H, W, D) in [0, 1]. In a volume, rows become planes
            across the first axis and columns planes across the last.
        prob: probability for an image. Defaults to 0.05.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.05) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)

    def pattern(self, shape: tuple[int, ...]) -> np.ndarray:
        """Draw a pattern of shape (H, W) or (H, W, D) with values in [0, 1]."""
        kind = PATTERNS[self.R.randint(len(PATTERNS))]
        if kind == "uniform":
            return self.R.random_sample(shape)
        if kind == "binary":
            return (self.R.random_sample(shape) > 0.5).astype(float)
        places = np.indices(shape)
        steps = {"checkerboard": places.sum(axis=0), "rows": places[0], "columns": places[-1]}[kind]
        return ((steps + self.R.randint(2)) % 2).astype(float)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Blend every key, or return it unchanged."""
        changed = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return changed
        for key in self.key_iterator(changed):
            image = changed[key]
            share = self.R.random_sample()
            patterns = np.stack([self.pattern(tuple(image.shape[1:])) for _ in range(image.shape[0])])
            changed[key] = (1 - share) * image + share * torch.as_tensor(patterns).to(image)
        return changed
