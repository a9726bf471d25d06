"""ErrorScaleInferer: fuse, store, decompose, and let a head estimate the error."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer
from torch import nn

from scripts.networks import FusionINN
from scripts.outputs.levels import as_stored


class ErrorScaleInferer(Inferer):
    """Training input of an `UncertaintyHead`: the errors of a decomposing network whose weights are fixed.

    Every image is stored in 8 or in 16 bits, drawn anew in training and alternating in evaluation.

    Args:
        flow: the decomposing network.
        latent: latent that it decomposes with. Defaults to "zeros", as inference does.
        seed: seed of that latent. Defaults to 0.
    """

    def __init__(self, flow: FusionINN, latent: str = "zeros", seed: int = 0) -> None:
        super().__init__()
        self.flow = flow.eval()
        self.latent = latent
        self.seed = seed

    def __call__(self, inputs: torch.Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        """Apply the flow in both directions, and `network` to the result.

        Args:
            inputs: sources of shape (batch_size, N, H, W) in [0, 1].
            network: an `UncertaintyHead`, or one wrapped for distributed training.
            args: not used.
            kwargs: not used.

        Returns:
            "fused" (batch_size, 1, H, W), "error" and "sigma" (batch_size, N, H, W).
        """
        with torch.no_grad():
            fused = self._stored(self.flow(inputs)[0], network.training)
            decomposed = self.flow.decompose(fused, self.latent, self.seed).clamp(min=0.0)
        return {"fused": fused, "error": decomposed - inputs, "sigma": network(fused, decomposed)}

    @staticmethod
    def _stored(fused: torch.Tensor, training: bool) -> torch.Tensor:
        count = len(fused)
        short = torch.rand(count) < 0.5 if training else torch.arange(count) % 2 == 0
        levels = torch.where(short, 255.0, 65535.0).to(fused).view(-1, 1, 1, 1)
        return as_stored(fused, levels)
