"""Q_XY at edges whose score is known."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.metrics.xydeas_petrovic import xydeas_petrovic

BEST = (1 / (1 + math.exp(-5))) ** 2


def step_edge(height, size=9):
    image = torch.zeros(1, 1, size, size, dtype=torch.float64)
    image[..., size // 2 :] = height
    return image


def test_flat_pixels_score_the_maximum():
    black = torch.zeros(1, 1, 8, 8)
    assert xydeas_petrovic(black, torch.cat((black, black), dim=1)).item() == pytest.approx(BEST)


@pytest.mark.parametrize("kept", [1.0, 0.8, 0.2])
def test_a_weakened_edge_is_scored_by_what_is_left_of_it(kept):
    sources = step_edge(100 / 255).expand(1, 2, 9, 9)
    strength = 1 / (1 + math.exp(-10 * (kept - 0.5)))
    score = xydeas_petrovic(step_edge(kept * 100 / 255), sources, "centre").item()
    # of the central columns two lie on the edge, the third is flat
    assert score == pytest.approx((2 * strength * BEST**0.5 + BEST) / 3, abs=1e-6)


def test_an_edge_turned_by_a_right_angle_is_lost():
    edge = step_edge(0.5)
    turned = xydeas_petrovic(edge.mT, torch.cat((edge, edge), dim=1), "centre").item()
    assert turned < 0.4 < xydeas_petrovic(edge, torch.cat((edge, edge), dim=1), "centre").item()


def test_the_stronger_edge_has_the_weight():
    strong, weak = step_edge(200 / 255), step_edge(2 / 255).mT
    both = torch.cat((strong, weak), dim=1)
    assert xydeas_petrovic(strong, both).item() > xydeas_petrovic(weak, both).item() + 0.1


def test_the_centre_of_a_larger_image_is_all_that_counts(blobs):
    fused, sources = blobs(size=(15, 16))
    changed = sources.clone()
    changed[..., 0] = 1 - changed[..., 0]
    assert torch.equal(xydeas_petrovic(fused, sources, "centre"), xydeas_petrovic(fused, changed, "centre"))
    assert not torch.equal(xydeas_petrovic(fused, sources), xydeas_petrovic(fused, changed))
