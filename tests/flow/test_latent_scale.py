"""How far the latent reaches."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.flow import LatentScale


class TestLatentScale:
    def test_it_divides_the_latent_and_leaves_the_fused_image(self):
        x = torch.tensor([3.0, 1.0, -2.0]).view(1, 3, 1, 1)
        assert LatentScale(0.25)(x).flatten().tolist() == [3.0, 4.0, -8.0]
        assert LatentScale(0.25).inverse(x).flatten().tolist() == [3.0, 0.25, -0.5]

    def test_one_standard_deviation_of_the_latent_is_the_scale_for_what_comes_before(self):
        latent = torch.randn(1, 2, 200, 200)
        assert LatentScale(0.1).inverse(latent)[:, 1:].std().item() == pytest.approx(0.1, rel=0.02)

    @pytest.mark.parametrize("size", [(4, 6), (2, 3, 5)])
    def test_log_det_counts_every_latent_element(self, size):
        x = torch.rand(2, 3, *size)
        expected = -2 * math.prod(size) * math.log(0.25)
        assert LatentScale(0.25).log_det(x).tolist() == pytest.approx([expected] * 2, rel=1e-6)

    def test_log_det_leaves_out_what_was_padded(self):
        inside = torch.zeros(1, 2, 4, 4)
        inside[..., :3, :3] = 1
        expected = -9 * math.log(0.25)
        assert LatentScale(0.25).log_det(torch.rand(3, 2, 4, 4), inside).tolist() == pytest.approx([expected] * 3)

    def test_the_scale_is_saved_and_comes_back_with_the_weights(self, tmp_path):
        torch.save(LatentScale(0.25).state_dict(), tmp_path / "scale.pt")
        other = LatentScale(0.5)
        other.load_state_dict(torch.load(tmp_path / "scale.pt", weights_only=True))
        assert other.inverse(torch.ones(1, 2, 1, 1)).flatten().tolist() == [1.0, 0.25]

    def test_the_scale_is_not_trained(self):
        assert list(LatentScale(0.25).parameters()) == []

    @pytest.mark.parametrize("scale", [0.0, -0.5, float("nan"), float("inf")])
    def test_what_is_no_scale_is_refused(self, scale):
        with pytest.raises(ValueError, match=f"positive and finite, got {scale}"):
            LatentScale(scale)
