"""Begin a training with weights that exist."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from scripts.data.errors import BadInputError
from scripts.flow import LatentScale
from scripts.networks.weights import load_weights


def start_from_weights(network: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """Load weights to go on training with; what a standard deviation of the latent is stays as `network` has it.

    So a network whose first training knew latents of zeros only can learn to bear latents that are drawn at random.

    Args:
        network: the network, as `network_def` of the config describes it.
        path: weights or a training checkpoint, see `load_weights`.

    Returns:
        the network with these weights.

    Raises:
        BadInputError: when there is no such file, or it does not fit the network.
    """
    if not Path(path).is_file():
        raise BadInputError(
            f"No weights to start from at {path}. Give them by --start_from; those of the first stage of the shipped "
            "recipe are made by fusioninn train DIR --recipe shipped_start."
        )
    own = {name: step.scale.clone() for name, step in network.named_modules() if isinstance(step, LatentScale)}
    load_weights(network, path)
    for name, scale in own.items():
        network.get_submodule(name).scale.copy_(scale)
    return network
