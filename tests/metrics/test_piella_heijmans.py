"""Q_P trusts the source that has the detail."""

from __future__ import annotations

import pytest
import torch

from scripts.metrics.fusion_ssim import fusion_ssim
from scripts.metrics.local_similarity import local_similarity
from scripts.metrics.piella_heijmans import piella_heijmans, ssim_and_piella_heijmans, weighted_similarity


def test_a_flat_source_has_no_say_where_the_other_has_detail():
    detail = torch.rand(1, 1, 24, 24, dtype=torch.float64)
    sources = torch.cat((detail, torch.full_like(detail, 0.5)), dim=1)
    assert piella_heijmans(detail, sources).item() == pytest.approx(1)


def test_equal_weights_where_all_sources_are_flat_but_for_rounding():
    similarity = torch.tensor([0.2, 0.8]).view(1, 2, 1, 1)
    assert weighted_similarity(similarity, torch.tensor([3e-12, -2e-12]).view(1, 2, 1, 1)).item() == pytest.approx(0.5)
    assert weighted_similarity(similarity, torch.tensor([3e-6, 1e-6]).view(1, 2, 1, 1)).item() == pytest.approx(0.35)


def test_more_sources_share_the_weight_by_their_variance():
    similarity = torch.tensor([0.1, 0.2, 0.6]).view(1, 3, 1, 1)
    variance = torch.tensor([1.0, 1.0, 2.0]).view(1, 3, 1, 1)
    assert weighted_similarity(similarity, variance).item() == pytest.approx(0.375)


def test_the_centre_is_the_central_windows_of_the_whole(blobs):
    fused, sources = blobs(size=(31, 41))
    whole = local_similarity(255 * fused, 255 * sources)
    middle = [values[:, :, 5:16, 10:21] for values in whole]
    assert torch.allclose(piella_heijmans(fused, sources, "centre"), weighted_similarity(*middle), rtol=0, atol=1e-9)


def test_with_the_similarity_it_gives_what_both_give_alone(blobs):
    fused, sources = blobs()
    ssim, index = ssim_and_piella_heijmans(fused, sources)
    assert torch.equal(ssim, fusion_ssim(fused, sources))
    assert torch.equal(index, piella_heijmans(fused, sources))
