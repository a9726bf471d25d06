"""Weights of the compared methods, and the configs that messages name when they are missing."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.methods import DDFM, HalfUNet, PublishedFusionINN
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights

OF_HALF_UNET = (
    r"bundle/configs/train\.json, research/configs/fusion_only\.json and research/configs/methods/half_unet\.json"
)


def test_their_weights_come_back(tmp_path):
    network = HalfUNet(width=4)
    network(torch.rand(2, 2, 32, 32))  # batch norms have seen something
    torch.save(network.state_dict(), tmp_path / "model.pt")
    loaded = load_weights(HalfUNet(width=4), tmp_path / "model.pt")
    image = torch.rand(1, 2, 20, 17)
    assert torch.equal(loaded(image), network.eval()(image))


def test_without_a_checkpoint_the_configs_that_train_them_are_named():
    with pytest.raises(BadInputError, match=rf"HalfUNet has weights, and none were given.*{OF_HALF_UNET}"):
        load_weights(HalfUNet(width=4), None)


@pytest.mark.parametrize("network", [DDFM(channels=(16,)), PublishedFusionINN()], ids=lambda network: network.method)
def test_those_with_a_loss_of_their_own_name_their_own_config(network):
    told = rf"with bundle/configs/train\.json and research/configs/methods/{network.method}\.json\."
    with pytest.raises(BadInputError, match=told):
        load_weights(network, None)


def test_the_weights_of_fusioninn_are_refused(tmp_path):
    torch.save(FusionINN(hidden_channels=4).state_dict(), tmp_path / "model.pt")
    with pytest.raises(BadInputError, match=rf"does not fit this HalfUNet.*{OF_HALF_UNET}"):
        load_weights(HalfUNet(width=4), tmp_path / "model.pt")
