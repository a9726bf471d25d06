"""Trainings that begin with weights of an earlier one."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.training.start import start_from_weights


@pytest.fixture
def first(tmp_path):
    """Weights of a training with latents of zeros, which leave the latent in its own scale."""
    network = FusionINN(hidden_channels=4, latent_scale=1.0, seed=2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return tmp_path / "model.pt", network.state_dict()


def test_all_weights_are_taken_but_the_scale_of_the_latent(first):
    path, state = first
    network = start_from_weights(FusionINN(hidden_channels=4, latent_scale=0.03), path)
    taken = network.state_dict()
    assert taken.pop("steps.20.scale").item() == pytest.approx(0.03)
    assert state.pop("steps.20.scale").item() == 1
    assert all(torch.equal(taken[name], value) for name, value in state.items())


def test_a_network_without_such_a_scale_takes_its_weights_as_they_are(tmp_path):
    torch.save(FusionINN(blocks=3, hidden_channels=4, seed=5).state_dict(), tmp_path / "model.pt")
    network = start_from_weights(FusionINN(blocks=3, hidden_channels=4), tmp_path / "model.pt")
    assert all(
        torch.equal(network.state_dict()[name], value)
        for name, value in torch.load(tmp_path / "model.pt", weights_only=True).items()
    )


def test_a_second_stage_without_the_first_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(BadInputError, match=r"No weights to start from at .*first.* --recipe shipped_start"):
        start_from_weights(FusionINN(hidden_channels=4), tmp_path / "first" / "model.pt")


def test_weights_of_another_network_are_refused(first):
    with pytest.raises(BadInputError, match="does not fit this FusionINN"):
        start_from_weights(FusionINN(hidden_channels=8), first[0])
