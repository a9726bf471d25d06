"""The key `recompute` of training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

import scripts
from scripts.data.errors import BadInputError
from scripts.networks import MeanFusion
from scripts.training.recompute import recomputing

CONFIGS = Path(scripts.BUNDLE_ROOT) / "configs"


def trained(*layers, **settings):
    """The network that a training trains."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "train.json"), *(str(CONFIGS / layer) for layer in layers)])
    parser.update({"device": "cpu", **settings})
    return parser.get_parsed_content("network")


@pytest.mark.parametrize("layers", [(), ("methods/fusioninn.json",), ("recipe.json", "methods/fusioninn.json")])
def test_reaches_the_network_of_every_training(layers):
    assert trained(*layers, recompute="true").recompute
    assert not trained(*layers).recompute


def test_weights_to_start_from_are_loaded_all_the_same(tmp_path):
    network = trained()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again = trained(recompute=True, start_from=str(tmp_path / "weights.pt"))
    assert again.recompute
    assert all(map(torch.equal, again.parameters(), network.parameters()))


def test_a_method_that_is_no_bijection_is_named():
    with pytest.raises(BadInputError, match="which MeanFusion does not have. Leave out --recompute"):
        recomputing(MeanFusion(), True)
