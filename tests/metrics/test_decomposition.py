"""Decomposition metrics at known values and in their limits."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.losses import SSIM
from scripts.metrics import DECOMPOSITION_METRICS, decomposition_scores


@pytest.fixture
def pair():
    sources = torch.rand(3, 2, 16, 18)
    return (sources + 0.1 * torch.randn_like(sources)).clamp(0, 1), sources


def test_every_source_of_every_image_has_its_score(pair):
    scores = decomposition_scores(*pair)
    assert {name: value.shape for name, value in scores.items()} == dict.fromkeys(DECOMPOSITION_METRICS, (3, 2))
    for i in range(3):
        alone = decomposition_scores(*(images[i : i + 1] for images in pair))
        assert all(torch.allclose(alone[name], scores[name][i : i + 1], rtol=0, atol=1e-12) for name in scores)


def test_a_constant_error_has_known_values():
    sources = torch.full((1, 1, 16, 16), 0.5)
    sources[..., :8, :] = 0.7
    scores = decomposition_scores(sources + 0.1, sources)
    assert scores["PSNR"].item() == pytest.approx(20, abs=1e-4)
    assert scores["NMSE"].item() == pytest.approx(0.01 / 0.37, abs=1e-6)
    assert scores["correlation"].item() == pytest.approx(1, abs=1e-6)


def test_similarity_and_correlation_are_those_of_torch(pair):
    scores = decomposition_scores(*pair)
    assert torch.allclose(scores["SSIM"].float(), SSIM()(*pair), rtol=0, atol=1e-4)
    both = torch.stack([images[1, 1].flatten() for images in pair]).double()
    assert scores["correlation"][1, 1].item() == pytest.approx(torch.corrcoef(both)[0, 1].item(), abs=1e-12)


def test_a_negative_is_correlated_negatively(pair):
    assert decomposition_scores(1 - pair[1], pair[1])["correlation"].sub(-1).abs().max() < 1e-6


def test_perfect_images_have_finite_scores(pair):
    scores = decomposition_scores(pair[1], pair[1])
    assert {name: value.unique().tolist() for name, value in scores.items() if name != "correlation"} == {
        "SSIM": pytest.approx([1.0] * len(scores["SSIM"].unique())),
        "PSNR": [120.0],
        "NMSE": [0.0],
    }
    assert torch.allclose(scores["correlation"], torch.ones(3, 2, dtype=torch.float64))


def test_black_and_constant_images_have_defined_scores():
    black, grey = torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.2)
    texture = torch.rand(1, 1, 16, 16)
    assert decomposition_scores(black, black)["NMSE"].item() == 0
    assert decomposition_scores(grey, black)["NMSE"].item() == pytest.approx(0.04 * 255**2, rel=1e-6)
    assert decomposition_scores(grey, black)["correlation"].item() == 1
    assert decomposition_scores(grey, texture)["correlation"].item() == 0
    for images in ((grey, texture), (texture, grey), (black, texture), (texture, black)):
        assert all(value.isfinite().all() for value in decomposition_scores(*images).values())


def test_images_that_cannot_be_compared_are_refused():
    with pytest.raises(BadInputError, match="must have one shape"):
        decomposition_scores(torch.zeros(1, 1, 16, 16), torch.zeros(1, 2, 16, 16))
    with pytest.raises(BadInputError, match="smaller than the 11 x 11 window"):
        decomposition_scores(torch.zeros(1, 1, 16, 10), torch.zeros(1, 1, 16, 10))
