"""Train with activations that are recomputed instead of kept."""

from __future__ import annotations

from torch import nn

from scripts.data.errors import BadInputError
from scripts.networks import FusionINN


def recomputing(network: nn.Module, recompute: bool) -> nn.Module:
    """Have a network recompute its activations in training, see `FusionINN`.

    Args:
        network: the network to train.
        recompute: whether it should.

    Returns:
        the same network.

    Raises:
        BadInputError: when it should, but the network is not invertible.
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
