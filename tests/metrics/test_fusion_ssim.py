"""Q_SSIM is the mean of the similarity to each source."""

from __future__ import annotations

import torch

from scripts.losses import SSIM
from scripts.metrics.fusion_ssim import fusion_ssim


def test_it_is_the_mean_over_sources_of_the_loss_s_similarity(blobs):
    fused, sources = blobs(sources=3)
    expected = SSIM()(fused.expand_as(sources), sources).mean(dim=1)
    assert torch.allclose(fusion_ssim(fused, sources), expected, rtol=0, atol=1e-10)


def test_the_mean_of_an_image_and_its_negative_resembles_neither():
    image = torch.rand(1, 1, 24, 24, dtype=torch.float64)
    score = fusion_ssim(torch.full_like(image, 0.5), torch.cat((image, 1 - image), dim=1))
    assert score.item() < 0.05
