"""Signs that spread a code in the finest diagonal details."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scripts.flow import HaarBands, SpreadSigns
from scripts.flow.resampling import depth_to_space, space_to_depth
from scripts.flow.spread_signs import TILE, balanced_signs


def step(spatial_dims=2, seed=0):
    return SpreadSigns(spatial_dims, torch.Generator().manual_seed(seed))


def diagonal_details(image):
    return HaarBands(2)(space_to_depth(image))[:, 3:4]


class TestSigns:
    @pytest.mark.parametrize("dims", [2, 3])
    def test_every_group_holds_as_many_positive_as_negative_ones(self, dims):
        signs = balanced_signs(dims, torch.Generator().manual_seed(5))
        assert signs.shape == (TILE[dims],) * dims
        assert signs.abs().eq(1).all()
        pool = F.avg_pool2d if dims == 2 else F.avg_pool3d
        assert pool(signs[None, None], 2).eq(0).all()

    def test_neighbouring_groups_are_drawn_apart(self):
        signs = balanced_signs(2, torch.Generator().manual_seed(5))
        # A lattice would correlate fully at even distances.
        for distance in (2, 4, 8, 32):
            assert (signs * signs.roll(distance, 0)).mean().abs() < 0.1
            assert (signs * signs.roll(distance, 1)).mean().abs() < 0.1

    def test_a_seed_gives_the_same_signs_again_and_another_seed_others(self):
        assert torch.equal(step(seed=1).signs, step(seed=1).signs)
        assert not torch.equal(step(seed=1).signs, step(seed=2).signs)

    def test_they_are_saved_with_the_weights(self):
        assert list(step().state_dict()) == ["signs"]


class TestSpreading:
    def test_only_the_finest_diagonal_band_of_each_source_changes(self):
        bands = torch.randn(2, 12, 6, 10)
        spread = step()(bands)
        changed = [channel for channel in range(12) if not torch.equal(spread[:, channel], bands[:, channel])]
        assert changed == [3, 7, 11]
        assert torch.equal(spread.abs(), bands.abs())

    def test_it_reaches_beyond_one_tile(self):
        bands = torch.ones(1, 8, 70, 130)
        signs = step()(bands)[0, 3]
        assert torch.equal(signs[:64, :64], signs[:64, 64:128])
        assert torch.equal(signs[:6, :64], signs[64:, :64])

    def test_a_smooth_code_cancels_in_every_window(self):
        code = torch.zeros(1, 4, 32, 32)
        code[:, 3] = 0.02
        lattice, spread = (depth_to_space(HaarBands(2).inverse(bands)) for bands in (code, step()(code)))
        means = [F.avg_pool2d(diagonal_details(image), 8).abs().max().item() for image in (lattice, spread)]
        assert means[0] == pytest.approx(0.02)
        assert means[1] == pytest.approx(0, abs=1e-8)
        assert spread.square().mean().item() == pytest.approx(lattice.square().mean().item())
