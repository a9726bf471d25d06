"""What exports of the network call their inputs and outputs, and the sizes that they take."""

from __future__ import annotations

from typing import NamedTuple

from scripts.networks import FusionINN


class Interface(NamedTuple):
    """Names of a graph's inputs and outputs, in their order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


FUSE, DECOMPOSE = "fuse", "decompose"
INTERFACES = {
    FUSE: Interface(("image",), ("fused", "latent")),
    DECOMPOSE: Interface(("fused", "latent"), ("decomposed",)),
}
"""What every export calls its inputs and outputs."""
SMALLEST = 3
"""Smallest height and width of an export with dynamic sizes."""


def size_multiple(network: FusionINN) -> int:
    """What every height and width must be a multiple of: 2 for the paper's network, which has no odd sizes."""
    return 1 if network.realign else 2
