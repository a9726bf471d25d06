"""The network that predicts noise."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.methods import DiffusionPrior


def moved(channels):
    """A prior whose weights are far from their start."""
    prior = DiffusionPrior(channels)
    for parameter in prior.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return prior


class TestDiffusionPrior:
    def test_a_fresh_one_predicts_no_noise_and_says_so(self):
        prior = DiffusionPrior((16, 32))
        assert not prior.trained
        assert not prior(torch.randn(1, 1, 8, 12), torch.tensor([5])).any()

    def test_the_first_step_of_training_is_seen(self):
        prior = DiffusionPrior((16,))
        optimizer = torch.optim.SGD(prior.parameters(), lr=0.1)
        noise = torch.randn(2, 1, 8, 8)
        (prior(noise, torch.tensor([5, 900])) - noise).square().mean().backward()
        optimizer.step()
        assert prior.trained

    @pytest.mark.parametrize("channels", [(16,), (16, 16, 16)])
    @pytest.mark.parametrize("size", [(8, 16), (13, 10), (1, 3)])
    def test_it_takes_every_size(self, channels, size):
        noisy = torch.randn(2, 1, *size)
        assert DiffusionPrior(channels)(noisy, torch.tensor([0, 999])).shape == noisy.shape

    def test_padding_leaves_no_trace_at_sizes_that_need_none(self):
        prior = moved((16, 16))
        noisy, timesteps = torch.randn(1, 1, 8, 12), torch.tensor([100])
        cells = prior.unet(torch.nn.functional.pixel_unshuffle(noisy, 2), timesteps)
        assert torch.equal(prior(noisy, timesteps), torch.nn.functional.pixel_shuffle(cells, 2))

    def test_the_timestep_matters(self):
        prior = moved((16,))
        noisy = torch.randn(1, 1, 8, 8).expand(2, -1, -1, -1)
        early, late = prior(noisy, torch.tensor([10, 900]))
        assert not torch.allclose(early, late)

    def test_the_default_has_as_many_parameters_as_is_said(self):
        assert sum(parameter.numel() for parameter in DiffusionPrior().parameters()) == 2471460

    @pytest.mark.parametrize("channels", [(), (16, 24), (8,), (0,)])
    def test_channels_that_cannot_be_grouped_are_refused(self, channels):
        with pytest.raises(ValueError, match="multiples of 16"):
            DiffusionPrior(channels)
