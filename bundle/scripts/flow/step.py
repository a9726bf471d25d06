"""The contract that every step of the flow keeps."""

from __future__ import annotations

import torch
from torch import nn


class FlowStep(nn.Module):
    """One invertible step.

    A step maps a tensor of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]) to one with as
    many elements. `inverse` undoes `forward`, and `log_det` is the logarithm of the absolute determinant of the
    Jacobian of `forward`; that of `inverse` is its negative. Nothing is computed for the log-determinant unless
    `log_det` is called.

    `inside` is None, or marks with ones the elements that belong to the image and with zeros those that were padded
    to reach an even size. Padded elements are zero before and after every step, so they can be cut off and put back
    without loss.

    Args:
        moves: whether elements change places, so that `inside` has to follow them. Defaults to False.
    """

    def __init__(self, moves: bool = False) -> None:
        super().__init__()
        self.moves = moves

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Map `x` towards fused image and latent."""
        raise NotImplementedError

    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Map `y` back towards the sources."""
        raise NotImplementedError

    def log_det(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Logarithm of |det| of the Jacobian of `forward` at `x`, of shape (batch_size,). Volume is kept by default."""
        return x.new_zeros(x.shape[0])
