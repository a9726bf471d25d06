"""RandForeignContrastd: occasionally apply a contrast that the training data lack."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.networks.layers import GaussianFilter
from monai.transforms import MapTransform, RandomizableTransform

USUAL = "usual"
"""Key of whether all sources of an image were left as they are."""
COARSE = 4
"""Random numbers along an axis, between which a region's border is drawn."""


class RandForeignContrastd(MapTransform, RandomizableTransform):
    """Change sources independently, to imitate what other machines show.

    Each source of an image that is chosen stays as it is or undergoes one of five changes, all as likely:

    - saturated, as bone in CT or a bright focus in PET: ``x -> min(1, gain x)``;
    - inverted, as diffusivity, which is dark where a T2-weighted image is bright: ``x -> top - x`` where the source is
      not 0, with top its largest value;
    - smoothed, as PET and SPECT are: a Gaussian of up to `max_sigma` pixels, scaled to the largest value from before;
    - absent from regions, as outside the skull in a stripped image or where a tracer does not go: 0 there;
    - constant in regions, as bone and metal in CT: a value from 0.5 to 1 there, where other sources may show nothing.

    The regions are smooth and cover about a third of the image. Values stay within [0, 1]. Images with a changed source
    are to be taken apart, but are no model of a good fusion, which would be the brighter source: `USUAL` tells them
    from the others, for `FusionLoss`.

    Args:
        keys: images of shape (N, H, W) or (N, H, W, D) in [0, 1].
        prob: probability for each image. Defaults to 0.2.
        max_gain: largest gain; the smallest is 1. Defaults to 4.0.
        max_sigma: largest standard deviation of the Gaussian in pixels; the smallest is 1. Defaults to 5.0.

    Raises:
        ValueError: when `max_gain` or `max_sigma` is less than 1 or `prob` is not in [0, 1].
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.2, max_gain: float = 4.0, max_sigma: float = 5.0) -> None:
        if not max_gain >= 1:
            raise ValueError(f"max_gain must be at least 1, got {max_gain}.")
        if not max_sigma >= 1:
            raise ValueError(f"max_sigma must be at least 1, got {max_sigma}.")
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must lie between 0 and 1, got {prob}.")
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.max_gain = max_gain
        self.max_sigma = max_sigma
        self.changes: tuple[Callable[[torch.Tensor, int], torch.Tensor], ...] = (
            self._same,
            self._saturated,
            self._inverted,
            self._smoothed,
            self._absent,
            self._constant,
        )

    def randomize(self, sources: int, spatial_dims: int = 2) -> None:  # type: ignore[override]
        """Draw the change of every source."""
        super().randomize(None)
        self.change = self.R.randint(len(self.changes), size=sources)
        self.gain = np.exp(self.R.uniform(0, np.log(self.max_gain), sources))
        self.sigma = np.exp(self.R.uniform(0, np.log(self.max_sigma), sources))
        self.level = self.R.uniform(0.5, 1.0, sources)
        self.region = self.R.standard_normal((sources, *[COARSE] * spatial_dims))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Change the chosen sources of every key, and say under `USUAL` whether none was."""
        changed = {**data, USUAL: torch.tensor(True)}
        for key in self.key_iterator(changed):
            image = changed[key]
            self.randomize(image.shape[0], image.ndim - 1)
            if self._do_transform and self.change.any():
                changed[USUAL] = torch.tensor(False)
                changed[key] = torch.stack([self.changes[self.change[i]](x, i) for i, x in enumerate(image)])
        return changed

    def _same(self, x: torch.Tensor, i: int) -> torch.Tensor:
        return x

    def _saturated(self, x: torch.Tensor, i: int) -> torch.Tensor:
        return (float(self.gain[i]) * x).clamp(max=1.0)

    def _inverted(self, x: torch.Tensor, i: int) -> torch.Tensor:
        return torch.where(x > 0, x.max() - x, x)

    def _smoothed(self, x: torch.Tensor, i: int) -> torch.Tensor:
        smooth = GaussianFilter(x.ndim, float(self.sigma[i]))(x[None, None])[0, 0]
        return smooth * (x.max() / smooth.max().clamp(min=1e-6))

    def _absent(self, x: torch.Tensor, i: int) -> torch.Tensor:
        return x.masked_fill(self._region(x, i), 0.0)

    def _constant(self, x: torch.Tensor, i: int) -> torch.Tensor:
        return x.masked_fill(self._region(x, i), float(self.level[i]))

    def _region(self, x: torch.Tensor, i: int) -> torch.Tensor:
        field = torch.as_tensor(self.region[i], dtype=torch.float32, device=x.device)[None, None]
        return (
            F.interpolate(field, x.shape, mode="bicubic" if x.ndim == 2 else "trilinear", align_corners=True)[0, 0]
            > 0.4
        )
