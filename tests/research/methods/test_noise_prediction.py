"""Noise on every source, and a network that looks for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fusioninn_research.methods import NoisePredictionInferer


class Knowing(nn.Module):
    """Knows the clean image, and so the noise."""

    def __init__(self, image):
        super().__init__()
        self.clean = (2 * image - 1).flatten(0, 1)[:, None]
        self.shares = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)
        self.seen = []

    def forward(self, noisy, timesteps):
        self.seen.append((noisy, timesteps))
        share = self.shares[timesteps].view(-1, 1, 1, 1)
        return (noisy - share.sqrt() * self.clean) / (1 - share).sqrt()


@pytest.fixture
def image():
    return torch.rand(3, 2, 8, 8)


class TestNoisePredictionInferer:
    @pytest.mark.parametrize("training", [True, False])
    def test_who_knows_the_image_finds_the_noise_of_the_linear_schedule_and_cleans(self, image, training):
        result = NoisePredictionInferer()(image, Knowing(image).train(training))
        assert torch.allclose(result["predicted_noise"], result["noise"], atol=1e-3)
        assert torch.allclose(result["fused"], image, atol=1e-3)

    def test_every_source_is_an_image_of_its_own(self, image):
        network = Knowing(image)
        result = NoisePredictionInferer()(image, network)
        noisy, timesteps = network.seen[0]
        assert noisy.shape == (6, 1, 8, 8)
        assert timesteps.shape == (6,)
        assert all(value.shape == image.shape for value in result.values())

    def test_in_evaluation_it_is_the_same_every_time_at_timesteps_from_end_to_end(self, image):
        network = Knowing(image).eval()
        inferer = NoisePredictionInferer(seed=3)
        first, _, second = inferer(image, network), torch.rand(5), inferer(image, network)
        assert torch.equal(first["noise"], second["noise"])
        assert network.seen[0][1].tolist() == network.seen[1][1].tolist() == [83, 250, 416, 583, 750, 916]
        assert not torch.equal(first["noise"], NoisePredictionInferer(seed=4)(image, network)["noise"])

    def test_in_training_it_never_is(self, image):
        network = Knowing(image).train()
        first, second = (NoisePredictionInferer()(image, network)["noise"] for _ in range(2))
        assert not torch.equal(first, second)
        assert network.seen[0][1].tolist() != network.seen[1][1].tolist()
