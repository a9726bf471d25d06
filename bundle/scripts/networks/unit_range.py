"""UnitRange: the output map of all networks that only fuse, onto [0, 1] with both ends in reach."""

from __future__ import annotations

import torch
from torch import nn


class UnitRange(nn.Module):
    """A sigmoid stretched beyond [0, 1] by a margin and cut off there; the gradient goes through the cut.

    Black, most of a brain image, is then an ordinary value, as it is for FusionINN (`TangentLogit`, same margin). A
    plain sigmoid only comes near it, and SSIM is strict where both images are flat: 0.01 instead of 0 costs half of it.
    Networks with a plain sigmoid spend the first hundreds of steps on the background alone (Half-UNet of width 16, 60
    steps: loss 0.81 against 0.37).

    Args:
        margin: share of the sigmoid's range that lies beyond either end, between 0 and 0.5 (exclusive). Defaults to
            0.05.

    Raises:
        ValueError: when `margin` is not between 0 and 0.5.
    """

    def __init__(self, margin: float = 0.05) -> None:
        super().__init__()
        if not 0.0 < margin < 0.5:
            raise ValueError(f"margin must lie between 0 and 0.5 (exclusive), got {margin}.")
        self.margin = margin

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Unbounded values of any shape to [0, 1]."""
        stretched = (torch.sigmoid(logits) - self.margin) / (1.0 - 2.0 * self.margin)
        # Were there no gradient beyond the cut, a network that has become all black would stay so.
        return stretched.clamp(0.0, 1.0).detach() + (stretched - stretched.detach())
