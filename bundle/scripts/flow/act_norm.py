"""ActNorm: scale and shift of every channel, set by the first training batch."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import nn

from .step import FlowStep


class ActNorm(FlowStep):
    """Scale and shift every channel, so that the first training batch leaves with mean 0 and standard deviation 1.

    ``v = u * exp(scale) + bias`` (Kingma and Dhariwal, "Glow", 2018), trained from there on. The first batch that is
    seen in training mode sets both; that it has been is saved with the weights, so that a network that is loaded or
    resumed keeps what it has learned. Before that, and in evaluation mode, the step takes scale and bias as they are:
    a fresh one is the identity. A channel that is constant in the first batch is shifted alone. When several processes
    train together, the first batch of the first of them counts.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        channels: channels of the input.
    """

    def __init__(self, spatial_dims: int, channels: int) -> None:
        super().__init__()
        shape = (1, channels) + (1,) * spatial_dims
        self.scale = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.register_buffer("initialised", torch.tensor(False))

    @torch.jit.unused
    @torch.no_grad()
    def _initialise(self, x: torch.Tensor, inside: torch.Tensor | None) -> None:
        for channel in range(x.shape[1]):
            values = x[:, channel]
            if inside is not None:
                values = values[(inside[:, channel] > 0).expand_as(values)]
            deviation = values.std()
            if deviation > 0:
                self.scale[:, channel] = torch.log(1 / deviation)
            self.bias[:, channel] = -(values * self.scale[:, channel].exp()).mean()
        if dist.is_available() and dist.is_initialized():
            dist.broadcast(self.scale, src=0)
            dist.broadcast(self.bias, src=0)
        self.initialised.fill_(True)

    def _shift(self, inside: torch.Tensor | None) -> torch.Tensor:
        return self.bias if inside is None else self.bias * inside

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Scale, then shift."""
        if self.training and not self.initialised:
            self._initialise(x, inside)
        return x * self.scale.exp() + self._shift(inside)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Shift back, then scale back."""
        return (y - self._shift(inside)) / self.scale.exp()

    @torch.jit.export
    def log_det(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Sum of the scales over the elements inside the image."""
        scales = self.scale.expand_as(x[:1]) if inside is None else self.scale * inside
        return scales.sum().expand(x.shape[0])
