"""A small network whose couplings do something."""

from __future__ import annotations

import pytest
import torch

from scripts.networks import FusionINN


@pytest.fixture
def network() -> FusionINN:
    """Two sources, in evaluation mode, weights moved away from their start."""
    return build_network(in_channels=2)


@pytest.fixture
def network_of_three() -> FusionINN:
    """The same for three sources."""
    return build_network(in_channels=3)


@pytest.fixture
def volume_network() -> FusionINN:
    """The same for two sources in three dimensions."""
    return build_network(in_channels=2, spatial_dims=3)


def build_network(in_channels: int, spatial_dims: int = 2) -> FusionINN:
    """Return a network that does more than mix."""
    network = FusionINN(spatial_dims, in_channels=in_channels, blocks=4, hidden_channels=8)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "conv_1.weight" in name:
                parameter.add_(0.02 * torch.randn_like(parameter))
    return network.eval()
