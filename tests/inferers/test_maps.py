"""Maps of whole volumes."""

from __future__ import annotations

import pytest
import torch

from scripts.flow.latent import draw_latent
from scripts.inferers.maps import contribution_volume, spread_volumes, uncertainty_volume
from scripts.networks.contribution import source_contribution
from scripts.networks.uncertainty import UncertaintyHead


@pytest.fixture
def head():
    head = UncertaintyHead().eval()
    torch.nn.init.normal_(head.conv_2.weight, std=0.2)
    return head


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_is_its_slices(network, head, axis):
    volume, fused = torch.rand(2, 8, 9, 10), torch.rand(1, 8, 9, 10)
    contribution = contribution_volume(network, volume, axis, 3)
    doubt = uncertainty_volume(head, fused, volume, axis, 3)
    for number in (0, 7):
        one, stored = (part.select(axis + 1, number)[None] for part in (volume, fused))
        assert torch.allclose(contribution.select(axis + 1, number), source_contribution(network, one)[0], atol=1e-4)
        with torch.no_grad():
            assert torch.allclose(doubt.select(axis + 1, number), head(stored, one)[0], atol=1e-6)


def test_the_spread_is_the_deviation_over_draws(network):
    fused = torch.rand(1, 8, 8, 3)
    two, four = spread_volumes(network, fused, 2, (2, 4), seed=5, batch_size=3)
    slices = fused.permute(3, 0, 1, 2)
    with torch.no_grad():
        drawn = torch.stack(
            [
                network.inverse(slices, draw_latent(slices, 1, "normal", 5 + 1_000_003 * k)).clamp(min=0)
                for k in range(4)
            ]
        )
    assert torch.allclose(two.permute(3, 0, 1, 2), drawn[:2].std(dim=0), atol=1e-4)
    assert torch.allclose(four.permute(3, 0, 1, 2), drawn.std(dim=0), atol=1e-4)


def test_the_spread_does_not_depend_on_how_many_slices_go_at_once(network):
    fused = torch.rand(1, 8, 8, 5)
    one, many = (spread_volumes(network, fused, 2, (3,), batch_size=n)[0] for n in (1, 4))
    assert torch.allclose(one, many, atol=1e-4)
