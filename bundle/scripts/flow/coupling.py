"""Affine coupling, Eq. 1 of the paper."""

from __future__ import annotations

import torch

from .step import FlowStep
from .subnet import Subnet

ATAN_TO_ONE = 0.636
"""Brings atan to (-1, 1); the rounded 2 / pi of the published network."""


class AffineCoupling(FlowStep):
    """Both halves of the channels, each scaled and shifted by what the other shows.

    With the halves u1, u2::

        v1 = u1 * exp(s2(u2)) + t2(u2)
        v2 = u2 * exp(s1(v1)) + t1(v1)

    (Eq. 1). The exponents are kept within ±`clamp` by an arctangent, as in Glow-type couplings (Kingma and Dhariwal
    2018), which bounds how much either direction can magnify an error.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        channels: channels of the input, at least 2.
        hidden_channels: channels inside the subnetworks.
        clamp: bound of the exponents. Defaults to 2.0.
        output_relu: see `Subnet`. Defaults to False.
        first_channels: channels of u1, 1 to ``channels - 1``. Defaults to None, which is ``channels // 2``.

    Raises:
        ValueError: when there are fewer than two channels, `clamp` is not positive, or one of the halves is empty.
    """

    def __init__(
        self,
        spatial_dims: int,
        channels: int,
        hidden_channels: int,
        clamp: float = 2.0,
        output_relu: bool = False,
        first_channels: int | None = None,
    ) -> None:
        super().__init__()
        if channels < 2:
            raise ValueError(f"A coupling needs at least 2 channels, got {channels}.")
        if clamp <= 0:
            raise ValueError(f"clamp must be positive, got {clamp}.")
        first = channels // 2 if first_channels is None else first_channels
        if not 0 < first < channels:
            raise ValueError(f"first_channels must be 1 to {channels - 1}, got {first}.")
        second = channels - first
        self.split = [first, second]
        self.bound = clamp * ATAN_TO_ONE
        self.subnet_1 = Subnet(spatial_dims, first, 2 * second, hidden_channels, output_relu)
        self.subnet_2 = Subnet(spatial_dims, second, 2 * first, hidden_channels, output_relu)

    def _bound(self, raw: torch.Tensor) -> torch.Tensor:
        # Half the channels of channels-last memory are no dense block; copied to one, atan is five times as fast.
        return self.bound * torch.atan(raw.clone())

    def _mask(self, inside: torch.Tensor | None) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        if inside is None:
            return None, None
        return inside[:, : self.split[0]], inside[:, self.split[0] :]

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """(u1, u2) to (v1, v2)."""
        inside_1, inside_2 = self._mask(inside)
        u1, u2 = torch.split(x, self.split, dim=1)
        s2, t2 = self.subnet_2(u2).chunk(2, dim=1)
        v1 = u1 * torch.exp(self._bound(s2)) + (t2 if inside_1 is None else t2 * inside_1)
        s1, t1 = self.subnet_1(v1).chunk(2, dim=1)
        v2 = u2 * torch.exp(self._bound(s1)) + (t1 if inside_2 is None else t1 * inside_2)
        return torch.cat((v1, v2), dim=1)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """(v1, v2) to (u1, u2)."""
        inside_1, inside_2 = self._mask(inside)
        v1, v2 = torch.split(y, self.split, dim=1)
        s1, t1 = self.subnet_1(v1).chunk(2, dim=1)
        u2 = (v2 - (t1 if inside_2 is None else t1 * inside_2)) * torch.exp(-self._bound(s1))
        s2, t2 = self.subnet_2(u2).chunk(2, dim=1)
        u1 = (v1 - (t2 if inside_1 is None else t2 * inside_1)) * torch.exp(-self._bound(s2))
        return torch.cat((u1, u2), dim=1)

    @torch.jit.export
    def log_det(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Sum of the exponents over the elements inside the image."""
        inside_1, inside_2 = self._mask(inside)
        u1, u2 = torch.split(x, self.split, dim=1)
        s2, t2 = self.subnet_2(u2).chunk(2, dim=1)
        s2 = self._bound(s2)
        v1 = u1 * torch.exp(s2) + (t2 if inside_1 is None else t2 * inside_1)
        s1 = self._bound(self.subnet_1(v1).chunk(2, dim=1)[0])
        if inside_1 is not None and inside_2 is not None:
            s1, s2 = s1 * inside_2, s2 * inside_1
        return s1.flatten(1).sum(dim=1) + s2.flatten(1).sum(dim=1)
