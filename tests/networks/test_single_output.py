"""Fused image and latent as one tensor."""

from __future__ import annotations

import torch

from scripts.networks import FusionINN
from scripts.networks.single_output import SingleOutput


def test_channels_are_fused_image_and_latent():
    network = FusionINN(hidden_channels=4)
    image = torch.rand(2, 2, 11, 14)
    fused, latent = network(image)
    both = SingleOutput(network)(image)
    assert both.shape == (2, 2, 11, 14)
    assert torch.equal(both[:, :1], fused)
    assert torch.equal(both[:, 1:], latent)
