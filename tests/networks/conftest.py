"""Networks for the tests: with weights moved away from their start, and with those that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

import scripts
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights


@pytest.fixture(scope="session")
def perturbed() -> Callable[..., FusionINN]:
    """Return a function that builds a network whose couplings do something: a fresh one only mixes."""

    def build(scale: float = 0.2, **arguments: object) -> FusionINN:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(11)
            network = FusionINN(**{"hidden_channels": 8, **arguments})
            for name, parameter in network.named_parameters():
                if "conv_1.weight" in name:
                    parameter.add_(scale * torch.randn_like(parameter) / parameter[0].numel() ** 0.5)
        return network.eval()

    return build


@pytest.fixture(scope="session")
def shipped() -> FusionINN:
    """The network of the configuration with the weights in the repository."""
    root = Path(scripts.BUNDLE_ROOT)
    weights = root / "models" / "model.pt"
    if not weights.is_file():
        pytest.skip("no bundle/models/model.pt: shipped weights are not tested")
    inference = root / "configs" / "inference.json"
    parser = ConfigParser()
    parser.read_config(str(inference if inference.is_file() else root / "configs" / "train.json"))
    return load_weights(parser.get_parsed_content("network_def"), weights)
