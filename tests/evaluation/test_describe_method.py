"""Methods with the same settings are the same."""

from __future__ import annotations

import torch

from scripts.evaluation.describe_method import describe_method
from scripts.networks import FusionINN


def test_weights_do_not_count_and_settings_do():
    one, other = FusionINN(hidden_channels=4), FusionINN(hidden_channels=4)
    torch.nn.init.normal_(next(other.parameters()))
    assert describe_method(one) == describe_method(other)
    assert describe_method(one) != describe_method(FusionINN(hidden_channels=4, margin=0.02))
    assert describe_method(one)["name"] == "FusionINN"


def test_training_mode_makes_no_difference():
    network = FusionINN(hidden_channels=4)
    assert describe_method(network.eval()) == describe_method(network.train())


def test_a_setting_of_a_part_counts():
    assert describe_method(torch.nn.Sequential(torch.nn.Dropout(0.1))) != describe_method(
        torch.nn.Sequential(torch.nn.Dropout(0.2))
    )
