"""Compute how much of each fused pixel comes from each source."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def source_contribution(network: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Contribution of every source to every fused pixel: its sensitivity to the source, times the source.

    With y the fused image before it is cut off at 0 and 1, p and q pixels and i a source::

        c_i(p) = Σ_q ∂y_p / ∂x_{i,q} · x_{i,q}  =  (J_i x_i)_p

    This is the derivative of y along the source itself: c_i · ε is what the fused pixel gains when the source is made
    brighter by a share ε. It is exact to rounding, whatever the network's field of view, and takes one forward-mode
    derivative for each source, all of them in one pass. The contributions add up to y where the network is linear, and
    to y to first order else; for a mean of two they are half of each source, for a maximum the larger one and 0.
    A contribution may be negative.

    The sum of a row of the Jacobian alone, without x, says something else: at a pixel that is black in one source it
    tells of brightening that is not there, and the steep slope of the logit near black then outweighs all that is. The
    norm of a row takes as many passes as the field of view has pixels, more than a thousand.

    Args:
        network: a method, `FusionINN` or another: its ``forward`` gives the fused image, alone or first.
        image: sources of shape (batch_size, N, H, W) in [0, 1].

    Returns:
        c of shape (batch_size, N, H, W), in units of the fused image.
    """
    directions = torch.zeros(image.shape[1], *image.shape, dtype=image.dtype, device=image.device)
    for source, direction in enumerate(directions):
        direction[:, source] = image[:, source]

    def fused(values: torch.Tensor) -> torch.Tensor:
        result = network(values)
        return result if isinstance(result, torch.Tensor) else result[0]

    def along(direction: torch.Tensor) -> torch.Tensor:
        return torch.func.jvp(fused, (image,), (direction,))[1]

    return torch.func.vmap(along)(directions).squeeze(2).transpose(0, 1)
