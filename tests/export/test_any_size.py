"""A graph without a branch on the size gives the same numbers as the network."""

from __future__ import annotations

import pytest
import torch

from scripts.export.any_size import AnySize
from scripts.networks import FusionINN


def moved(**arguments) -> FusionINN:
    network = FusionINN(hidden_channels=4, **arguments).requires_grad_(False).eval()
    for name, parameter in network.named_parameters():
        if "conv" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize("size", [(8, 6), (7, 5), (8, 5), (1, 3), (5, 4, 3)])
@pytest.mark.parametrize("sources", [2, 3])
def test_it_gives_the_same_bits_in_both_directions(size, sources):
    network = moved(spatial_dims=len(size), in_channels=sources, blocks=4, latent_scale=0.5)
    twin, image = AnySize.of(network), torch.rand(2, sources, *size)
    fused, latent = network(image)
    own_fused, own_latent = twin(image)
    assert torch.equal(own_fused, fused)
    assert torch.equal(own_latent, latent)
    assert torch.equal(twin.inverse(fused, latent), network.inverse(fused, latent))
    assert torch.equal(twin.log_det(image), network.log_det(image))


def test_the_network_itself_stays_what_it_was():
    network = moved()
    twin = AnySize.of(network)
    assert type(network) is FusionINN
    assert twin.steps is network.steps
