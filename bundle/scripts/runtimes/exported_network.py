"""ExportedNetwork: use an export in place of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.flow.latent import draw_latent
from scripts.networks import FusionINN

from .runtime import Runtime


class ExportedNetwork(nn.Module):
    """Fuse and decompose with an export of the network, and do everything else with the network itself.

    An export does not provide weights, log-determinant (typicality), derivatives (contribution maps) and double
    precision (lossless fusion of volumes); `network`, with the same weights, is used for these.

    Args:
        runtime: runtime for both directions.
        network: the network that was exported.
        description: description stored in the export, see `describe`.
    """

    def __init__(self, runtime: Runtime, network: FusionINN, description: Mapping[str, Any]) -> None:
        super().__init__()
        self.runtime = runtime
        self.network = network
        self.in_channels = network.in_channels
        self.spatial_dims = network.spatial_dims
        self.multiple = description["size_multiple"]
        self.smallest = description["smallest_size"]
        self.static_shape = description["static_shape"]

    @torch.no_grad()
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fuse, see `FusionINN.forward`.

        Raises:
            BadInputError: when the export does not support images of this size.
        """
        self._check(image)
        fused, latent = self.runtime.fuse(image.float())
        return fused.to(image), latent.to(image)

    @torch.no_grad()
    def inverse(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """Invert `forward`, see `FusionINN.inverse`.

        Raises:
            BadInputError: when the export does not support images of this size.
        """
        self._check(fused)
        return self.runtime.decompose(fused.float(), latent.float()).to(fused)

    def decompose(self, fused: torch.Tensor, kind: str = "normal", seed: int = 0) -> torch.Tensor:
        """Estimate the sources from the fused image alone, see `FusionINN.decompose`: the same latents are drawn."""
        return self.inverse(fused, draw_latent(fused, self.in_channels - 1, kind, seed))

    def log_det(self, image: torch.Tensor) -> torch.Tensor:
        """Computed by the network itself, see `FusionINN.log_det`."""
        return self.network.log_det(image)

    def _check(self, image: torch.Tensor) -> None:
        batch, sizes = image.shape[0], list(image.shape[2:])
        exported = f"{self.runtime.folder} was exported"
        if self.static_shape is not None:
            wanted, taken = self.static_shape[0], self.static_shape[2:]
            if batch != wanted or sizes != taken:
                raise BadInputError(
                    f"{exported} for batches of {wanted} images of {_times(taken)} only, but these are {batch} of "
                    f"{_times(sizes)}. Export without --static_shape, or leave out --runtime."
                )
        elif min(sizes) < self.smallest or any(size % self.multiple for size in sizes):
            even = "" if self.multiple == 1 else f" and multiples of {self.multiple}"
            raise BadInputError(
                f"{exported} for sizes from {self.smallest}{even}, but these images are {_times(sizes)}. Leave out "
                "--runtime, or pad them."
            )


def with_derivatives(network: nn.Module) -> nn.Module:
    """Return the network that supports derivatives and double precision.

    Args:
        network: any network.

    Returns:
        the network of an `ExportedNetwork`; any other network unchanged.
    """
    return network.network if isinstance(network, ExportedNetwork) else network


def _times(sizes: list[int]) -> str:
    return " × ".join(map(str, sizes))
