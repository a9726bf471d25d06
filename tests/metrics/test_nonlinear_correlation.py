"""Q_NCIE at joint histograms that are known."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.metrics.nonlinear_correlation import nonlinear_correlation

FLOOR = 1 + math.log(1 / 3, 256)


def bits(size=16):
    """Two independent images of one bit each, and all 256 levels once."""
    line = torch.arange(size) % 2
    across, down = (line.expand(size, size), line[:, None].expand(size, size))
    return across.double(), down.double(), torch.arange(size * size).view(size, size) / 255.0


def score(fused, *sources):
    return nonlinear_correlation(fused[None, None], torch.stack(sources)[None]).item()


def of_eigenvalues(*values):
    return 1 + sum(v / len(values) * math.log(v / len(values), 256) for v in values if v > 0)


def test_independent_images_are_at_the_floor():
    across, down, _ = bits()
    assert score(torch.zeros(16, 16), across, down) == pytest.approx(FLOOR, abs=1e-12)


def test_one_shared_bit_of_eight():
    across, down, _ = bits()
    assert score(across, across, down) == pytest.approx(of_eigenvalues(1 - 1 / 8, 1, 1 + 1 / 8), abs=1e-12)


def test_all_levels_alike_reach_one_though_eigenvalues_vanish():
    levels = bits()[2].double()
    assert score(levels, levels, levels) == pytest.approx(1, abs=1e-12)
    assert score(levels, levels, 1 - levels) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_a_constant_image_shares_nothing(grey):
    across = bits()[0]
    flat = torch.full_like(across, grey)
    assert score(flat, across, across) == pytest.approx(of_eigenvalues(1, 1 - 1 / 8, 1 + 1 / 8), abs=1e-12)


def test_brightness_and_contrast_do_not_matter(blobs):
    fused, sources = blobs()
    stretched = (sources - sources.amin((2, 3), True)) / (sources.amax((2, 3), True) - sources.amin((2, 3), True))
    assert torch.allclose(nonlinear_correlation(fused, sources), nonlinear_correlation(fused, stretched), atol=1e-3)


def test_three_sources_make_a_matrix_of_four():
    across, down, levels = bits()
    assert score(torch.zeros(16, 16), across, down, torch.ones(16, 16)) == pytest.approx(1 - math.log(4, 256))
    assert levels.numel() == 256
