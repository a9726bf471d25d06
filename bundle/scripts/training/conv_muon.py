"""ConvMuon: Muon for convolutions, Adam for everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration (Jordan et al. 2024): steepest at zero, at the price of singular values of 0.7 to 1.2."""


def orthogonalised(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Bring the singular values of a matrix near 1 by Newton-Schulz iterations.

    Args:
        matrix: tensor of shape (rows, columns).
        steps: iterations. Defaults to 5.

    Returns:
        tensor of the same shape; zeros for zeros.
    """
    a, b, c = COEFFICIENTS
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / wide.norm().clamp(min=1e-12)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


class ConvMuon(torch.optim.Optimizer):
    """Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) for convolutions.

    A convolution's weight is taken as a matrix, one row for each output channel; its step is the momentum with all
    singular values made equal, so that rare directions are learned as fast as frequent ones. Its root mean square is
    `rms` times the learning rate, which makes learning rates those of Adam (Liu et al., "Muon is Scalable for LLM
    Training", arXiv 2502.16982). Parameters of fewer than three dimensions, such as biases, are left to Adam.
    `torch.optim.Muon` takes matrices only.

    Args:
        params: parameters, or groups of them.
        lr: learning rate. Defaults to 0.003.
        momentum: share of the past in the mean of the gradients, in Nesterov's form. Defaults to 0.95.
        rms: root mean square of a step of learning rate 1. Defaults to 0.2, that of a step of Adam.
        betas: see `torch.optim.Adam`. Defaults to (0.9, 0.999).
        eps: see `torch.optim.Adam`. Defaults to 1e-8.

    Raises:
        ValueError: when `lr` or `rms` is not positive, or `momentum` is not in [0, 1).
    """

    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.003,
        momentum: float = 0.95,
        rms: float = 0.2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        if not lr > 0 or not rms > 0:
            raise ValueError(f"lr and rms must be positive, got {lr} and {rms}.")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {momentum}.")
        super().__init__(params, {"lr": lr, "momentum": momentum, "rms": rms, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        """Take one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if parameter.dim() >= 3:
                    self._muon(parameter, state, group)
                else:
                    self._adam(parameter, state, group)
        return loss

    @staticmethod
    def _muon(weight: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state["mean"] = torch.zeros_like(weight)
        mean = state["mean"].lerp_(weight.grad, 1 - group["momentum"])
        ahead = weight.grad.lerp(mean, group["momentum"]).flatten(1)
        scale = group["rms"] * max(ahead.shape) ** 0.5
        weight.add_(orthogonalised(ahead).view(weight.shape), alpha=-group["lr"] * scale)

    @staticmethod
    def _adam(parameter: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state |= {"mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter), "step": 0}
        state["step"] += 1
        first, second = group["betas"]
        mean = state["mean"].lerp_(parameter.grad, 1 - first)
        square = state["square"].mul_(second).addcmul_(parameter.grad, parameter.grad, value=1 - second)
        spread = (square / (1 - second ** state["step"])).sqrt().add_(group["eps"])
        parameter.addcdiv_(mean, spread, value=-group["lr"] / (1 - first ** state["step"]))
