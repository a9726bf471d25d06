"""Fused images that are refined against their own decomposition."""

from __future__ import annotations

import pytest
import torch

from scripts.cases.fuse import FuseVolume
from scripts.data.errors import BadInputError
from scripts.inferers.refined_fusion import RefinedFusion, refining
from scripts.losses.ssim import SSIM
from scripts.networks import FusionINN, MeanFusion


def pair(size=(40, 36)):
    """Two smooth contrasts of one object that differ in a lesion, on black."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, size[0]), torch.linspace(-1, 1, size[1]), indexing="ij")
    head = (x**2 + y**2 < 0.8).float()
    texture = 0.05 * torch.sin(9 * x) * torch.cos(11 * y)
    lesion = torch.exp(-((x - 0.2) ** 2 + y**2) / 0.05)
    return torch.stack((head * (0.4 + texture), head * (0.35 - texture + 0.4 * lesion)))[None].clamp(0, 1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = FusionINN(blocks=3, hidden_channels=8)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "conv_1.weight" in name:
                parameter.normal_(std=0.02)
    return network.eval()


def both(network, fused, image):
    """Mean SSIM of the fused image and of its decomposition with the sources."""
    with torch.no_grad():
        return [SSIM()(image, other).mean().item() for other in (fused.expand_as(image), network.decompose(fused))]


class TestRefinement:
    def test_fused_and_decomposed_images_improve_at_once(self, network):
        image = pair()
        start = both(network, network(image)[0].detach().clamp(0, 1), image)
        refined = both(network, RefinedFusion(network, steps=60, learning_rate=4e-3)(image), image)
        assert refined[0] > start[0]
        assert refined[1] > start[1]

    def test_more_weight_on_fusion_brings_the_fused_image_closer_to_the_sources(self, network):
        image = pair()
        little, much = (
            both(network, RefinedFusion(network, 40, weight, learning_rate=4e-3)(image), image) for weight in (0.3, 0.9)
        )
        assert much[0] > little[0]
        assert much[1] < little[1]

    def test_more_weight_on_the_change_keeps_the_image_closer_to_the_networks_own(self, network):
        image = pair()
        fused = network(image)[0].detach().clamp(0, 1)
        little, much = (
            (RefinedFusion(network, 40, change_weight=weight)(image) - fused).square().mean() for weight in (0.0, 100.0)
        )
        assert 0 < much < little / 2

    def test_the_result_is_an_image_in_the_range_and_the_same_every_time(self, network):
        first, second = (RefinedFusion(network, 5)(pair()) for _ in range(2))
        assert torch.equal(first, second)
        assert 0 <= first.min() <= first.max() <= 1
        assert not first.requires_grad

    def test_odd_sizes_are_refined_up_to_the_edge(self, network):
        image = pair((39, 41)).flip(2)
        image[..., -2:] = 0.3
        image[..., -2:, :] = 0.3
        refined, fused = RefinedFusion(network, 5)(image), network(image)[0].detach().clamp(0, 1)
        assert refined.shape == fused.shape
        assert (refined != fused)[..., -1].float().mean() > 0.9
        assert (refined != fused)[..., -1, :].float().mean() > 0.9

    def test_what_lies_outside_the_object_stays_as_it_is(self, network):
        image = pair()
        outside = (image == 0).all(dim=1, keepdim=True)
        refined, fused = RefinedFusion(network, 5)(image), network(image)[0].detach().clamp(0, 1)
        assert outside.any()
        assert torch.equal(refined[outside], fused[outside])
        assert not torch.equal(refined[~outside], fused[~outside])

    def test_weights_stay_as_they_are_and_trainable(self, network):
        before = [parameter.clone() for parameter in network.parameters()]
        RefinedFusion(network, 3)(pair())
        for parameter, old in zip(network.parameters(), before, strict=True):
            assert torch.equal(parameter, old)
            assert parameter.requires_grad
            assert parameter.grad is None

    def test_it_works_where_no_gradients_are_kept(self, network):
        with torch.no_grad():
            assert not torch.equal(RefinedFusion(network, 3)(pair()), network(pair())[0].clamp(0, 1))

    def test_black_slices_and_small_images_are_left_alone(self, network):
        black = torch.zeros(1, 2, 16, 16)
        assert torch.equal(RefinedFusion(network, 3)(black), network(black)[0].detach().clamp(0, 1))
        small = torch.rand(1, 2, 8, 9)
        assert torch.equal(RefinedFusion(network, 3)(small), network(small)[0].detach().clamp(0, 1))


class TestOptions:
    @pytest.mark.parametrize("steps", [-1, 2.5, "many", True])
    def test_other_numbers_of_steps_are_refused(self, steps):
        with pytest.raises(BadInputError, match="whole number of steps"):
            FuseVolume(refine=steps)

    def test_lossless_does_not_combine_and_says_why(self):
        with pytest.raises(BadInputError, match="exact latent belongs to the fused image as the network makes it"):
            FuseVolume(refine=5, lossless=True)

    def test_a_method_that_cannot_decompose_is_refused(self):
        with pytest.raises(BadInputError, match="refine needs a network"):
            refining(MeanFusion(), 5)

    def test_a_three_dimensional_network_is_refused(self):
        with pytest.raises(BadInputError, match="fuses slices"):
            refining(FusionINN(spatial_dims=3, blocks=1), 5)

    def test_no_steps_is_the_network_itself(self, network):
        assert refining(network, 0) is network
