"""Trace the graph of each direction with torch.export."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.export import Dim, ExportedProgram, export

from scripts.networks import FusionINN
from scripts.runtimes.interface import FUSE, size_multiple, smallest_size

from .any_size import AnySize


class Fuse(nn.Module):
    """Map sources to fused image and latent."""

    def __init__(self, network: FusionINN) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, N, …) in [0, 1] to (B, 1, …) and (B, N - 1, …)."""
        return self.network(image)


class Decompose(nn.Module):
    """Map a fused image and any latent to sources."""

    def __init__(self, network: FusionINN) -> None:
        super().__init__()
        self.network = network

    def forward(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """(B, 1, …) and (B, N - 1, …) to (B, N, …)."""
        return self.network.inverse(fused, latent)


def trace(network: FusionINN, direction: str, static_shape: Sequence[int] | None = None) -> ExportedProgram:
    """Trace one direction.

    Args:
        network: the network, on the CPU.
        direction: "fuse" or "decompose".
        static_shape: (batch_size, N, height, width[, depth]) to support a single shape. Defaults to None: any batch
            size, and any sizes of at least `smallest_size` that are multiples of `size_multiple`.

    Returns:
        the program, without the names of source files.
    """
    dims = network.spatial_dims
    if static_shape is None:
        shape, dynamic = (2, network.in_channels, *(20, 24, 28)[:dims]), _dynamic(network)
        network = AnySize.of(network) if network.realign else network
    else:
        shape, dynamic = tuple(static_shape), None
    image = torch.full(shape, 0.5)
    graph, inputs = (
        (Fuse(network), (image,))
        if direction == FUSE
        else (Decompose(network), (image[:, :1].clone(), torch.zeros_like(image[:, 1:])))
    )
    shapes = None if dynamic is None else (dynamic,) * len(inputs)
    with torch.no_grad():
        program = export(
            graph.eval(), inputs, dynamic_shapes=shapes, prefer_deferred_runtime_asserts_over_guards=dynamic is not None
        )
    _forget_origin(program)
    return program


def _forget_origin(program: ExportedProgram) -> None:
    """Remove the names of source files."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)


def _dynamic(network: FusionINN) -> dict[int, Dim]:
    names = ("height", "width", "depth")[: network.spatial_dims]
    multiple, smallest = size_multiple(network), smallest_size(network)
    if multiple == 1:
        sizes = [Dim(name, min=smallest) for name in names]
    else:
        sizes = [multiple * Dim(f"blocks_{name}", min=smallest) for name in names]
    return {0: Dim("batch"), **dict(enumerate(sizes, start=2))}
