"""A density of the fused image, which the flow itself does not define."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

SMALLEST_SCALE = 1e-3


@dataclass(frozen=True)
class FusedDensity:
    """Laplace autoregression: every pixel given those to the left, above, and above left, in raster order.

    ``p(y) = Π Laplace(y_i; weights · (left, above, above left, 1), spread[0] + spread[1] · activity)`` with ``activity
    = |left - above left| + |above - above left|``. Each factor is a density over the real line given only earlier
    pixels, so their product is a density of the whole image. Pixels outside the image count as black.

    Attributes:
        weights: weights of the three neighbours, and an offset.
        spread: scale of the Laplace density for equal neighbours, and its increase with their differences.
    """

    weights: tuple[float, float, float, float]
    spread: tuple[float, float]

    @classmethod
    def fit(cls, pages: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> FusedDensity:
        """Fit to fused images by least squares, first the values, then the absolute errors.

        Args:
            pages: fused images (B, 1, H, W) and a mask of the pixels to use, bool of the same shape.
        """
        rows, targets = [], []
        for fused, brain in pages:
            rows.append(torch.stack([part[brain] for part in _neighbours(fused)], dim=1).double())
            targets.append(fused[brain].double())
        near, target = torch.cat(rows), torch.cat(targets)
        design = torch.cat((near, torch.ones(len(near), 1, dtype=near.dtype)), dim=1)
        weights = torch.linalg.lstsq(design, target[:, None]).solution[:, 0]
        error = (target - design @ weights).abs()
        activity = torch.stack((torch.ones_like(error), _activity(*near.T)), dim=1)
        spread = torch.linalg.lstsq(activity, error[:, None]).solution[:, 0].clamp(min=SMALLEST_SCALE)
        return cls(tuple(weights.tolist()), tuple(spread.tolist()))

    def energy(self, fused: torch.Tensor) -> torch.Tensor:
        """Return the negative logarithm of the density of each pixel given those before it.

        Args:
            fused: fused images (B, 1, H, W).

        Returns:
            tensor like `fused`, in nats.
        """
        near = _neighbours(fused)
        *factors, offset = self.weights
        expected = sum(factor * part for factor, part in zip(factors, near, strict=True)) + offset
        scale = self.spread[0] + self.spread[1] * _activity(*near)
        return (fused - expected).abs() / scale + torch.log(2 * scale)


def _neighbours(fused: torch.Tensor) -> list[torch.Tensor]:
    padded = torch.nn.functional.pad(fused, (1, 0, 1, 0))
    return [padded[..., 1:, :-1], padded[..., :-1, 1:], padded[..., :-1, :-1]]


def _activity(left: torch.Tensor, above: torch.Tensor, corner: torch.Tensor) -> torch.Tensor:
    return (left - corner).abs() + (above - corner).abs()
