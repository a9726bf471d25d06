"""Steps of a flow that keep no activations for the gradient: they are recomputed from the output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from .step import FlowStep


def recomputed(
    steps: Iterable[FlowStep], x: torch.Tensor, inside: torch.Tensor | None = None, backwards: bool = False
) -> torch.Tensor:
    """Go through the steps, keeping only the output.

    The gradient goes through the steps in reverse order and brings the input of each back from its output by the
    inverse, as in i-RevNet (Jacobsen et al. 2018) and MemCNN (van de Leemput et al. 2019). The memory that it takes is
    that of one step, however many there are; each step is computed three times in place of once. Inputs come back
    within the rounding errors of the inverse, and so do the gradients.

    Args:
        steps: the steps in the order of `FlowStep.forward`.
        x: tensor of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]).
        inside: marks the elements of `x` that belong to the image, see `FlowStep`. Defaults to None.
        backwards: from the last step to the first by `FlowStep.inverse`. Defaults to False.

    Returns:
        what the steps give one after the other.
    """
    ordered = list(steps)[::-1] if backwards else list(steps)
    parameters = [parameter for step in ordered for parameter in step.parameters()]
    return _Recomputed.apply(x, inside, ordered, backwards, *parameters)


def _apply(step: FlowStep, x: torch.Tensor, inside: torch.Tensor | None, inverse: bool) -> torch.Tensor:
    return step.inverse(x, inside) if inverse else step(x, inside)


def _move(step: FlowStep, inside: torch.Tensor | None, inverse: bool) -> torch.Tensor | None:
    if inside is None or not step.moves:
        return inside
    return _apply(step, inside, None, inverse)


class _Recomputed(torch.autograd.Function):
    """`recomputed`, both ways."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        inside: torch.Tensor | None,
        steps: list[FlowStep],
        backwards: bool,
        *_: torch.Tensor,
    ) -> torch.Tensor:
        device = x.device.type
        ctx.precision = (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device))
        ctx.steps, ctx.backwards = steps, backwards
        with _autocast(device, *ctx.precision):
            for step in steps:
                x = _apply(step, x, inside, backwards)
                inside = _move(step, inside, backwards)
        ctx.inside = inside
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        (after,) = ctx.saved_tensors
        inside = ctx.inside
        of_steps: list[list[torch.Tensor | None]] = []
        for step in reversed(ctx.steps):
            with _autocast(gradient.device.type, *ctx.precision):
                before = _apply(step, after, inside, not ctx.backwards).detach().requires_grad_()
                inside = _move(step, inside, not ctx.backwards)
                with torch.enable_grad():
                    again = _apply(step, before, inside, ctx.backwards)
            trained = [parameter for parameter in step.parameters() if parameter.requires_grad]
            gradient, *found = torch.autograd.grad(again, [before, *trained], gradient)
            of_trained = iter(found)
            of_steps.append([next(of_trained) if p.requires_grad else None for p in step.parameters()])
            after = before.detach()
        return gradient, None, None, None, *(value for values in reversed(of_steps) for value in values)


def _autocast(device: str, enabled: bool, dtype: torch.dtype) -> torch.autocast:
    # Without the cache: weights that are cast where no gradient is wanted would be taken again where one is.
    return torch.autocast(device, dtype=dtype, enabled=enabled, cache_enabled=False)
