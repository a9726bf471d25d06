"""Apply a three-dimensional flow to a whole volume with the memory of a slab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from scripts.flow import Subnet

REACH = 2
"""Voxels that one voxel of a subnetwork's output sees to each side: one for each of its two convolutions."""

VOXELS = 2**20
"""Voxels of a slab: 134 MB for 32 hidden channels in single precision."""


class SlabSubnet(nn.Module):
    """A subnetwork applied to one slab of the volume after the other.

    The hidden channels are what makes a flow large: 32 of them are sixteen times two sources. Each slab is taken with
    `REACH` planes of what lies on both sides, and these are cut off again, so that the result is that of the volume as
    a whole, to rounding. The reach of the whole network, tens of voxels, would have to be computed twice if the network
    were applied to slabs; that of a subnetwork is two.

    Args:
        subnet: the subnetwork.
        voxels: voxels of a slab, about. Defaults to `VOXELS`.
    """

    def __init__(self, subnet: Subnet, voxels: int = VOXELS) -> None:
        super().__init__()
        self.subnet = subnet
        self.voxels = voxels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `Subnet`, of tensors (batch_size, in_channels, spatial_dim1, …), cut along spatial_dim1."""
        size = x.shape[2]
        planes = max(self.voxels // (x[0, 0, 0].numel() * x.shape[0]), 1)
        if planes >= size:
            return self.subnet(x)
        results = []
        for start in range(0, size, planes):
            stop = min(start + planes, size)
            first, last = max(start - REACH, 0), min(stop + REACH, size)
            slab = self.subnet(x.narrow(2, first, last - first))
            # a copy, or what is cut off is kept in memory
            results.append(slab.narrow(2, start - first, stop - start).clone())
        return torch.cat(results, dim=2)


@contextmanager
def in_slabs(network: nn.Module, voxels: int = VOXELS) -> Iterator[None]:
    """Apply the subnetworks of a network to slabs inside a `with` block.

    Args:
        network: a flow; its weights stay where they are.
        voxels: voxels of a slab, about. Defaults to `VOXELS`.
    """
    parents = [
        (module, name, child)
        for module in network.modules()
        for name, child in module.named_children()
        if isinstance(child, Subnet)
    ]
    try:
        for module, name, child in parents:
            setattr(module, name, SlabSubnet(child, voxels))
        yield
    finally:
        for module, name, child in parents:
            setattr(module, name, child)
