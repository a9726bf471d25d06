"""Both directions, with what a file does to the fused image between them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.inferers import BidirectionalInferer
from scripts.networks import draw_latent


@pytest.fixture
def image():
    return torch.rand(3, 2, 16, 13)


def stored(network, result):
    """The fused image that the decomposition was made from, found by running it forwards again."""
    return network(result["decomposed"])[0]


class TestEvaluation:
    def test_fused_image_and_latent_are_the_network_s_own(self, network, image):
        result = BidirectionalInferer()(image, network)
        fused, latent = network(image)
        assert set(result) == {"fused", "latent", "decomposed"}
        assert torch.equal(result["fused"], fused)
        assert torch.equal(result["latent"], latent)

    @pytest.mark.parametrize("levels", [2, 256, 65536])
    def test_the_decomposition_is_made_from_the_rounded_image(self, network, image, levels):
        result = BidirectionalInferer(levels, seed=4)(image, network)
        fused = result["fused"].clamp(0, 1)
        rounded = torch.round(fused * (levels - 1)) / (levels - 1)
        expected = network.inverse(rounded, draw_latent(fused, 1, "normal", seed=4))
        assert torch.allclose(result["decomposed"], expected, rtol=0, atol=1e-5)
        assert (stored(network, result) - fused).abs().max() <= 0.5 / (levels - 1) + 1e-4

    def test_what_leaves_the_range_is_clipped(self, network, image):
        result = BidirectionalInferer(256, "zeros")(3 * image - 1, network)
        assert result["fused"].min() < 0
        assert result["fused"].max() > 1
        again = stored(network, result)
        assert again.min() >= -1e-4
        assert again.max() <= 1 + 1e-4

    def test_zero_levels_leave_the_image_as_it_is(self, network, image):
        result = BidirectionalInferer(0, "zeros")(image, network)
        assert torch.equal(result["decomposed"], network.inverse(result["fused"], torch.zeros_like(result["fused"])))

    @pytest.mark.parametrize("kind", ["normal", "zeros", "ones", "uniform"])
    def test_the_same_comes_out_every_time(self, network, image, kind):
        inferer = BidirectionalInferer(latent=kind, seed=7)
        first = inferer(image, network)["decomposed"]
        torch.rand(5)
        assert torch.equal(inferer(image, network)["decomposed"], first)

    def test_another_seed_is_another_latent(self, network, image):
        one, other = (BidirectionalInferer(seed=seed)(image, network)["decomposed"] for seed in (0, 100))
        assert not torch.allclose(one, other)


class TestTraining:
    def noise(self, network, image, levels):
        network.train()
        torch.manual_seed(3)
        result = BidirectionalInferer(levels, "zeros")(image, network)
        return stored(network, result) - result["fused"]

    @pytest.mark.parametrize("levels", [16, 256])
    def test_noise_is_as_wide_as_two_grey_levels(self, network, levels):
        noise = self.noise(network, torch.rand(4, 2, 32, 32), levels)
        step = 1 / (levels - 1)
        assert noise.abs().max() <= step + 1e-4
        assert noise.std().item() == pytest.approx(step / 3**0.5, rel=0.03)
        assert noise.mean().abs() < 0.05 * step

    def test_noise_is_new_every_time(self, network, image):
        network.train()
        inferer = BidirectionalInferer(256, "zeros")
        assert not torch.equal(inferer(image, network)["decomposed"], inferer(image, network)["decomposed"])

    def test_zero_levels_add_none(self, network, image):
        assert self.noise(network, image, 0).abs().max() < 1e-5

    @pytest.mark.parametrize("kind", ["normal", "uniform"])
    def test_the_latent_is_new_every_time_and_follows_the_global_seed(self, network, image, kind):
        network.train()
        inferer = BidirectionalInferer(0, kind)
        torch.manual_seed(1)
        first, second = inferer(image, network)["decomposed"], inferer(image, network)["decomposed"]
        torch.manual_seed(1)
        assert torch.equal(inferer(image, network)["decomposed"], first)
        assert not torch.allclose(second, first)

    @pytest.mark.parametrize("levels", [0, 256])
    def test_gradients_come_through_the_noise_to_the_first_weights(self, network, image, levels):
        network.train()
        result = BidirectionalInferer(levels)(image, network)
        # from the decomposition alone, by way of the fused image
        (result["decomposed"] - image).square().sum().backward()
        assert all((parameter.grad != 0).any() for parameter in network.parameters())


class TestWrapping:
    def test_a_network_wrapped_for_several_processes_is_unwrapped_for_the_way_back(self, network, image):
        class Wrapped(nn.Module):
            def __init__(self, module):
                super().__init__()
                self.module = module

            def forward(self, image):
                return self.module(image)

        inferer = BidirectionalInferer()
        got, expected = inferer(image, Wrapped(network).eval()), inferer(image, network)
        for name in expected:
            assert torch.equal(got[name], expected[name])

    def test_three_sources_have_two_latent_channels(self, network_of_three):
        result = BidirectionalInferer()(torch.rand(2, 3, 9, 8), network_of_three)
        assert {name: tensor.shape[1] for name, tensor in result.items()} == {"fused": 1, "latent": 2, "decomposed": 3}


class TestBadArguments:
    @pytest.mark.parametrize("levels", [1, -1, -256])
    def test_grey_levels_that_store_nothing_are_refused(self, levels):
        with pytest.raises(ValueError, match=f"must be 0 or at least 2, got {levels}"):
            BidirectionalInferer(levels)

    def test_an_unknown_latent_is_refused(self, network, image):
        with pytest.raises(ValueError, match="got 'gaussian'"):
            BidirectionalInferer(latent="gaussian")(image, network)
        with pytest.raises(ValueError, match="got 'gaussian'"):
            BidirectionalInferer(latent="gaussian")(image, network.train())
