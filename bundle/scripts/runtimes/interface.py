"""Names of inputs and outputs of exports, and the sizes that they support."""

from __future__ import annotations

from typing import NamedTuple

from scripts.networks import FusionINN


class Interface(NamedTuple):
    """Names of a graph's inputs and outputs, in order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


FUSE, DECOMPOSE = "fuse", "decompose"
INTERFACES = {
    FUSE: Interface(("image",), ("fused", "latent")),
    DECOMPOSE: Interface(("fused", "latent"), ("decomposed",)),
}
"""Input and output names of every export."""


def size_multiple(network: FusionINN) -> int:
    """Return the divisor that sizes must have: 1, or that of the coarsest block for a network that cannot pad."""
    return 1 if network.realign else network.size_multiple


def smallest_size(network: FusionINN) -> int:
    """Return the smallest height and width of an export with dynamic sizes.

    One more than the multiple that the network pads to: a traced graph cannot tell one block from none.
    """
    return network.size_multiple + 1
