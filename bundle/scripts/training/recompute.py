"""Training with activations that are recomputed in place of kept, by one key."""

from __future__ import annotations

from torch import nn

from scripts.data.errors import BadInputError
from scripts.networks import FusionINN


def recomputing(network: nn.Module, recompute: bool) -> nn.Module:
    """Have a network recompute its activations in training, see `FusionINN`.

    Args:
        network: the network that is to be trained.
        recompute: whether it should.

    Returns:
        the same network.

    Raises:
        BadInputError: when it should, and the network is no bijection.
    """
    if not recompute:
        return network
    if not isinstance(network, FusionINN):
        raise BadInputError(
            f"recompute brings activations back through the inverse, which {type(network).__name__} does not have. "
            "Leave out --recompute, or train FusionINN."
        )
    network.recompute = True
    return network
