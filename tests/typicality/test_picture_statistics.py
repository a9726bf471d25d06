"""Statistics of a pair of slices without the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.data.slices import brain_mask
from scripts.typicality.picture_statistics import picture_statistics


@pytest.fixture
def pages(case):
    return case.movedim(3, 0), brain_mask(case).movedim(3, 0)


def test_one_image_twice_agrees_with_itself(pages):
    image, brain = pages
    statistics = picture_statistics(image[:, [0, 0]], brain)
    assert statistics["rank_correlation"] == pytest.approx(np.ones(6))
    assert statistics["edges"] == pytest.approx(np.ones(6))
    assert statistics["overlap"] == pytest.approx(np.ones(6))
    assert (statistics["displacement"] == 0).all()


def test_ranks_do_not_see_a_change_of_contrast(pages):
    image, brain = pages
    first, second = picture_statistics(image, brain), picture_statistics(image**1.7 * 3, brain)
    for name in ("rank_correlation", "depth_1", "rim_2", "texture_1", "edges"):
        assert second[name] == pytest.approx(first[name], abs=1e-4), name


def test_swapping_swaps_the_statistics_of_the_sources(pages):
    image, brain = pages
    first, second = picture_statistics(image, brain), picture_statistics(image.flip(1), brain)
    for name in ("depth", "rim", "texture", "skew"):
        assert second[f"{name}_2"] == pytest.approx(first[f"{name}_1"]), name
        assert second[f"{name}_1"] == pytest.approx(first[f"{name}_2"]), name
    assert second["edges"] == pytest.approx(first["edges"])


def test_bright_inside_and_bright_at_the_border_are_distinguished(pages):
    statistics = picture_statistics(*pages)
    assert (statistics["depth_1"] > statistics["depth_2"]).all()
    assert (statistics["rim_1"] < statistics["rim_2"]).all()


def test_a_constant_source_has_no_correlation():
    image = torch.ones(1, 2, 12, 12)
    image[0, 1] = torch.rand(12, 12)
    statistics = picture_statistics(image, torch.ones(1, 1, 12, 12, dtype=torch.bool))
    assert statistics["rank_correlation"] == [0.0]
    assert np.isfinite([values[0] for values in statistics.values()]).all()
