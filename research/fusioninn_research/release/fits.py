"""Whether the weights fit the network of the configs, before hours go into measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json
from scripts.networks.weights import load_weights

MAIN = "bundle/configs/inference.json"
_OWN = ("in_channels",)
"""Arguments that configs give in their own way."""


def arguments_of(config: Path) -> dict[str, Any]:
    """Return the network and its arguments, as a config names them."""
    network = dict(read_json(config)["network_def"])
    return {name: value for name, value in network.items() if name not in _OWN}


def check_network(root: Path, weights: str, configs: Sequence[str]) -> None:
    """Check that all configs have one network, and that the weights fit it.

    Args:
        root: the repository.
        weights: file of the weights, relative to it.
        configs: configs that run the shipped network, relative to it.

    Raises:
        BadInputError: a config has another network, or the weights do not fit.
    """
    main = arguments_of(root / MAIN)
    for config in configs:
        other = arguments_of(root / config)
        if other != main:
            names = [name for name in {**main, **other} if main.get(name) != other.get(name)]
            raise BadInputError(
                f"{config} and {MAIN} have different networks ({', '.join(names)}). Give both the arguments that the "
                "weights were trained with."
            )
    parser = ConfigParser()
    parser.read_config(str(root / MAIN))
    load_weights(parser.get_parsed_content("network_def"), root / weights)
