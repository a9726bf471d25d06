"""FusionInferer: fuse without decomposing."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer
from torch import nn


class FusionInferer(Inferer):
    """Apply only the forward direction, to train on the fusion loss or for methods that cannot decompose."""

    def __call__(
        self, inputs: torch.Tensor, network: nn.Module, *args: Any, usual: torch.Tensor | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor]:
        """Apply `network`.

        Args:
            inputs: sources of shape (batch_size, N, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].
            network: gives the fused image, or the fused image and a latent, which is left out.
            args: not used.
            usual: whether each image's fusion counts in the loss, (batch_size,); handed on. Defaults to None (all).
            kwargs: not used.

        Returns:
            "fused" (batch_size, 1, …), and "usual" if it is given.
        """
        output = network(inputs)
        found = {"fused": output if isinstance(output, torch.Tensor) else output[0]}
        return found if usual is None else {**found, "usual": usual}
