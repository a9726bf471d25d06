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
    Black, 0, maps to exactly 0, so that zero padding is black. Outside [0, 1] it continues along its tangent with
    the slope ``(1 - 2 margin) / (margin (1 - margin))``: the map is a bijection of the real line, and exact in single
    precision even for values at which an ordinary sigmoid has saturated. Only `REACH` ends the tangents of `forward`, a
    million image ranges away: what the couplings see stays finite for any finite input.

    Args:
        margin: distance that 0 and 1 keep from the poles of the logit, between 0 and 0.5 (exclusive). Defaults to 0.05.

    Raises:
        ValueError: when `margin` is not between 0 and 0.5.
    """

    def __init__(self, margin: float = 0.05) -> None:
        super().__init__()
        if not 0.0 < margin < 0.5:
            raise ValueError(f"margin must lie between 0 and 0.5 (exclusive), got {margin}.")
        self.margin = margin
        self.slope = (1.0 - 2.0 * margin) / (margin * (1.0 - margin))
        self.from_pole = (1.0 - 2.0 * margin) / margin
        self.to_pole = (1.0 - 2.0 * margin) / (1.0 - margin)
        self.top = 2.0 * (math.log1p(-margin) - math.log(margin))
        self.reach = REACH

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Intensities of any shape to unbounded values."""
        core = x.clamp(0.0, 1.0)
        # The curve is the same from either end: taken from the nearer one, no digits cancel. Arithmetic with 0 and 1
        # gives exactly what torch.where gives, which takes as long as a logarithm.
        bright = (core - 0.5).ceil()
        low = core + bright * (1.0 - 2.0 * core)
        rise = torch.log1p(self.from_pole * low) - torch.log1p(-self.to_pole * low)
        tangent = (self.slope * (x - core)).clamp(-self.reach, self.reach)
        return bright * self.top + (1.0 - 2.0 * bright) * rise + tangent

    @torch.jit.export
    def inverse(self, u: torch.Tensor) -> torch.Tensor:
        """Unbounded values of any shape to intensities."""
        core = u.clamp(0.0, self.top)
        # (sigmoid(u + logit(margin)) - margin) / (1 - 2 margin), free of differences
        growth = torch.expm1(core)
        return growth / (self.slope * (1.0 + self.margin * growth)) + (u - core) / self.slope

    @torch.jit.export
    def log_slope(self, x: torch.Tensor) -> torch.Tensor:
        """Logarithm of the derivative of `forward` at `x`, element by element."""
        squeezed = self.margin + (1.0 - 2.0 * self.margin) * x.clamp(0.0, 1.0)
        return math.log(1.0 - 2.0 * self.margin) - torch.log(squeezed) - torch.log1p(-squeezed)
