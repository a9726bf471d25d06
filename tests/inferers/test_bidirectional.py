"""Both directions, with what a file does to the fused image between them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.flow.latent import draw_latent
from scripts.inferers import BidirectionalInferer
from scripts.networks import FusionINN


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

    def test_which_images_are_usual_is_handed_on(self, network, image):
        usual = torch.ones(len(image), dtype=torch.bool)
        assert BidirectionalInferer()(image, network, usual=usual)["usual"] is usual
        assert "usual" not in BidirectionalInferer()(image, network)

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
        result = BidirectionalInferer(levels, "zeros", coarse_share=0.0)(image, network)
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


class TestStorageNoise:
    def spread(self, network, **arguments):
        """Standard deviation, image by image, of what was added to the fused image."""
        torch.manual_seed(3)
        inferer = BidirectionalInferer(latent="zeros", **{"storage_levels": 0, "coarse_share": 0.0, **arguments})
        with torch.no_grad():
            result = inferer(torch.rand(64, 2, 24, 24), network)
            return (stored(network, result) - result["fused"]).flatten(1).std(dim=1)

    def test_each_image_has_its_own_up_to_the_largest(self, network):
        spread = self.spread(network.train(), noise=0.02)
        assert spread.min() < 0.001
        assert 0.018 < spread.max() < 0.021
        assert spread.mean().item() == pytest.approx(0.01, rel=0.15)

    def test_it_comes_on_top_of_that_of_rounding(self, network):
        rounding = 1 / 255 / 3**0.5
        spread = self.spread(network.train(), noise=0.02, storage_levels=256)
        assert spread.min().item() == pytest.approx(rounding, rel=0.1)
        assert 0.018 < spread.max() < 0.021

    def test_evaluation_has_none(self, network):
        assert self.spread(network, noise=0.5).max() < 1e-5

    def test_without_it_training_draws_the_same_numbers_as_ever(self, network, image):
        network.train()
        torch.manual_seed(1)
        got = BidirectionalInferer(256, noise=0.0, coarse_share=0.0)(image, network)["decomposed"]
        torch.manual_seed(1)
        fused, latent = network(image)
        fresh = torch.randn_like(latent)
        expected = network.inverse(fused + (2 * torch.rand_like(fused) - 1) / 255, fresh)
        assert torch.equal(got, expected)


class TestPrecision:
    @pytest.fixture
    def types(self, network):
        """What convolutions and steps of the network give, by their kind, when it is used."""
        seen = {"convolution": set(), "step": set()}
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _, __, out: seen["convolution"].add(out.dtype))
        for step in network.steps:
            step.register_forward_hook(lambda _, __, out: seen["step"].add(out.dtype))
        return seen

    def test_in_training_the_convolutions_alone_are_in_half_precision(self, network, image, types):
        result = BidirectionalInferer(precision="bfloat16")(image, network.train())
        assert types == {"convolution": {torch.bfloat16}, "step": {torch.float32}}
        assert {tensor.dtype for tensor in result.values()} == {torch.float32}

    def test_evaluation_is_in_single_precision(self, network, image, types):
        result = BidirectionalInferer(precision="bfloat16")(image, network)
        assert types == {"convolution": {torch.float32}, "step": {torch.float32}}
        expected = BidirectionalInferer()(image, network)
        assert all(torch.equal(result[name], expected[name]) for name in expected)

    def test_float32_leaves_it_to_the_trainer(self, network, image, types):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            BidirectionalInferer(precision="float32")(image, network.train())
        assert types["convolution"] == {torch.bfloat16}

    def test_results_differ_by_the_rounding_of_the_convolutions_only(self, network, image):
        results = [
            BidirectionalInferer(0, "zeros", precision=p)(image, network.train()) for p in ("float32", "bfloat16")
        ]
        for name in results[0]:
            difference = (results[0][name] - results[1][name]).abs().max()
            assert 0 < difference < 0.05, name

    def test_black_stays_black(self):
        network = FusionINN(blocks=4).train()
        image = torch.rand(2, 2, 9, 8)
        image[..., :4] = 0
        result = BidirectionalInferer(0, "zeros", precision="bfloat16")(image, network)
        assert result["fused"][..., :4].abs().max() <= 1e-6
        assert result["decomposed"][..., :4].abs().max() <= 1e-6

    def test_weights_and_their_gradients_are_in_single_precision(self, network, image):
        result = BidirectionalInferer(precision="bfloat16")(image, network.train())
        (result["decomposed"] - image).square().sum().backward()
        assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())
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

    def test_noise_below_none_is_refused(self):
        with pytest.raises(ValueError, match="noise must not be negative, got -0.1"):
            BidirectionalInferer(noise=-0.1)

    def test_an_unknown_precision_is_refused(self):
        with pytest.raises(ValueError, match="precision must be one of float32, bfloat16, auto, got 'float16'"):
            BidirectionalInferer(precision="float16")

    def test_an_unknown_latent_is_refused(self, network, image):
        with pytest.raises(ValueError, match="got 'gaussian'"):
            BidirectionalInferer(latent="gaussian")(image, network)
        with pytest.raises(ValueError, match="got 'gaussian'"):
            BidirectionalInferer(latent="gaussian")(image, network.train())


class TestCoarseStorage:
    def added(self, share, network, image):
        """What training adds to each fused image, in grey levels of 8 bits."""
        inferer = BidirectionalInferer(0, "zeros", coarse_share=share)
        torch.manual_seed(5)
        result = inferer(image, network.train())
        with torch.no_grad():
            return 255 * (stored(network, result) - result["fused"])

    def test_every_image_is_disturbed_by_up_to_about_a_grey_level(self, network):
        added = self.added(1.0, network, torch.rand(64, 2, 16, 16))
        deviations = added.flatten(1).std(dim=1)
        # rounding alone has 0.29; Gaussian noise of one level with it 1.04
        assert 0.2 < deviations.min() < 0.4
        assert 0.9 < deviations.max() < 1.2

    def test_only_a_share_of_the_images_is(self, network):
        deviations = self.added(0.3, network, torch.rand(200, 2, 8, 8)).flatten(1).std(dim=1)
        assert 0.2 < (deviations > 0.1).float().mean() < 0.4

    def test_evaluation_does_not_know_it(self, network, image):
        network.eval()
        plain, coarse = (BidirectionalInferer(256, "zeros", coarse_share=s)(image, network) for s in (0.0, 1.0))
        assert torch.equal(plain["decomposed"], coarse["decomposed"])

    @pytest.mark.parametrize("share", [-0.1, 1.1])
    def test_other_shares_are_refused(self, share):
        with pytest.raises(ValueError, match="coarse_share"):
            BidirectionalInferer(coarse_share=share)
