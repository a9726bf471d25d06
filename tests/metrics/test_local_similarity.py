"""Similarity and variance in every window."""

from __future__ import annotations

import torch

from scripts.losses import SSIM
from scripts.metrics.local_similarity import WINDOW, local_similarity


def test_similarity_is_the_loss_s_and_variance_that_of_the_source():
    fused, sources = 255 * torch.rand(1, 1, 13, 14).double(), 255 * torch.rand(1, 2, 13, 14).double()
    similarity, variance = local_similarity(fused, sources)
    expected = SSIM(data_range=255.0).similarity_map(fused.expand_as(sources), sources)
    assert torch.allclose(similarity, expected, rtol=0, atol=1e-10)
    weights = SSIM().taps.outer(SSIM().taps)
    patch = sources[0, 1, 2:13, 3:14]
    mean = (weights * patch).sum()
    assert torch.allclose(variance[0, 1, 2, 3], (weights * (patch - mean) ** 2).sum())
    assert WINDOW == 11
