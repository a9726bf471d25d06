"""Between image intensities in [0, 1] and the unbounded values that the couplings work on."""

from __future__ import annotations

import math

import torch
from torch import nn

REACH = 1e8
"""Largest absolute value that the couplings are given; larger ones could overflow in them."""


class TangentLogit(nn.Module):
    """Logit of [0, 1], continued along its tangents outside.

    `forward` is ``logit(margin + (1 - 2 margin) x) - logit(margin)``, and `inverse` is the sigmoid that undoes it.
    Black, 0, maps to 0, so that zero padding is black. Outside [0, 1] the curve goes on along its tangent: the map is a
    bijection of the real line, nowhere flatter than ``(1 - 2 margin) / (margin (1 - margin))`` allows, and therefore
    exact in single precision even for values at which an ordinary sigmoid has saturated. Only `REACH` ends the tangents
    of `forward`, a million image ranges away: what the couplings see stays finite for any finite input.

    Args:
        margin: distance that 0 and 1 keep from the poles of the logit, between 0 and 0.5 (exclusive). Defaults to 0.01.

    Raises:
        ValueError: when `margin` is not between 0 and 0.5.
    """

    def __init__(self, margin: float = 0.01) -> None:
        super().__init__()
        if not 0.0 < margin < 0.5:
            raise ValueError(f"margin must lie between 0 and 0.5 (exclusive), got {margin}.")
        self.margin = margin
        self.slope = (1.0 - 2.0 * margin) / (margin * (1.0 - margin))
        self.offset = math.log(margin) - math.log1p(-margin)
        self.top = -2.0 * self.offset
        self.reach = REACH

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Intensities of any shape to unbounded values."""
        core = x.clamp(0.0, 1.0)
        squeezed = self.margin + (1.0 - 2.0 * self.margin) * core
        tangent = (self.slope * (x - core)).clamp(-self.reach, self.reach)
        return torch.log(squeezed) - torch.log1p(-squeezed) - self.offset + tangent

    @torch.jit.export
    def inverse(self, u: torch.Tensor) -> torch.Tensor:
        """Unbounded values of any shape to intensities."""
        core = u.clamp(0.0, self.top)
        squeezed = torch.sigmoid(core + self.offset)
        return (squeezed - self.margin) / (1.0 - 2.0 * self.margin) + (u - core) / self.slope

    @torch.jit.export
    def log_slope(self, x: torch.Tensor) -> torch.Tensor:
        """Logarithm of the derivative of `forward` at `x`, element by element."""
        squeezed = self.margin + (1.0 - 2.0 * self.margin) * x.clamp(0.0, 1.0)
        return math.log(1.0 - 2.0 * self.margin) - torch.log(squeezed) - torch.log1p(-squeezed)
