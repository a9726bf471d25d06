"""What the head that guesses errors is trained with."""

from __future__ import annotations

import pytest
import torch

from scripts.inferers.error_scale import ErrorScaleInferer
from scripts.networks.uncertainty import UncertaintyHead


@pytest.fixture
def image():
    return torch.rand(4, 2, 16, 16)


def test_the_error_is_that_of_what_a_file_gives_back(network, image):
    result = ErrorScaleInferer(network)(image, UncertaintyHead().eval())
    for i, levels in enumerate((255, 65535)):
        with torch.no_grad():
            stored = (network(image[i : i + 1])[0].clamp(0, 1) * levels).round() / levels
            error = network.decompose(stored, "zeros").clamp(min=0) - image[i : i + 1]
        assert torch.allclose(result["fused"][i : i + 1], stored, atol=2e-5)
        assert torch.allclose(result["error"][i : i + 1], error, atol=5e-3)


def test_in_training_the_storage_is_drawn_and_only_the_head_learns(network, image):
    head = UncertaintyHead().train()
    inferer = ErrorScaleInferer(network)
    drawn = [
        tuple(((value["fused"] * 255) % 1 > 1e-3).flatten(1).any(dim=1).tolist())
        for value in (inferer(image, head) for _ in range(8))
    ]
    assert len(set(drawn)) > 1
    inferer(image, head)["sigma"].mean().backward()
    assert head.conv_2.bias.grad is not None
    assert all(parameter.grad is None for parameter in network.parameters())
