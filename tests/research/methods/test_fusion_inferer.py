"""The forward direction alone."""

from __future__ import annotations

import torch

from fusioninn_research.methods import FusionInferer, HalfUNet
from scripts.losses import FusionLoss


def test_a_network_that_gives_an_image_is_taken_at_its_word():
    network, image = HalfUNet(width=4).eval(), torch.rand(2, 2, 16, 13)
    result = FusionInferer()(image, network)
    assert set(result) == {"fused"}
    assert torch.equal(result["fused"], network(image))


def test_a_latent_is_left_out(small_network):
    network, image = small_network, torch.rand(2, 2, 16, 13)
    result = FusionInferer()(image, network)
    assert set(result) == {"fused"}
    assert torch.equal(result["fused"], network(image)[0])


def test_imitations_of_other_machines_do_not_count_in_the_loss(small_network):
    image, usual = torch.rand(3, 2, 16, 16), torch.tensor([True, False, True])
    result = FusionInferer()(image, small_network, usual=usual)
    loss = FusionLoss().terms(result, image)["loss"]
    alone = FusionLoss().terms({"fused": result["fused"][usual]}, image[usual])["loss"]
    assert torch.isclose(loss, alone)
