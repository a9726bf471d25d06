"""Resolution for channels, against torch's own reordering, and the Haar transform."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from scripts.flow import HaarBands
from scripts.flow.resampling import depth_to_space, space_to_depth


class TestSpaceToDepth:
    @pytest.mark.parametrize("shape", [(1, 1, 2, 2), (2, 3, 4, 6), (3, 2, 8, 2)])
    def test_in_2_d_it_is_pixel_unshuffle(self, shape):
        x = torch.rand(shape)
        assert torch.equal(space_to_depth(x), F.pixel_unshuffle(x, 2))
        assert torch.equal(depth_to_space(space_to_depth(x)), x)
        y = torch.rand(shape[0], 4 * shape[1], *shape[2:])
        assert torch.equal(depth_to_space(y), F.pixel_shuffle(y, 2))

    def test_in_3_d_channel_and_place_are_where_they_should_be(self):
        x = torch.rand(2, 3, 4, 6, 2)
        y = space_to_depth(x)
        assert y.shape == (2, 24, 2, 3, 1)
        for channel, (i, j, k) in itertools.product(range(3), itertools.product(range(2), repeat=3)):
            assert torch.equal(y[:, 8 * channel + 4 * i + 2 * j + k], x[:, channel, i::2, j::2, k::2])
        assert torch.equal(depth_to_space(y), x)

    def test_channels_last_images_come_out_the_same(self):
        x = torch.rand(2, 2, 6, 4)
        assert torch.equal(space_to_depth(x.contiguous(memory_format=torch.channels_last)), space_to_depth(x))


class TestHaarBands:
    @pytest.mark.parametrize(("dims", "parts"), [(2, 4), (3, 8)])
    def test_it_is_orthonormal_symmetric_and_its_own_inverse(self, dims, parts):
        unit = torch.eye(parts, dtype=torch.float64).view(parts, parts, *[1] * dims)
        matrix = HaarBands(dims)(unit).flatten(1)
        eye = torch.eye(parts, dtype=torch.float64)
        assert torch.allclose(matrix @ matrix.T, eye, rtol=0, atol=1e-15)
        assert torch.allclose(matrix, matrix.T, rtol=0, atol=1e-15)
        assert torch.allclose(matrix @ matrix, eye, rtol=0, atol=1e-15)

    @pytest.mark.parametrize("dims", [2, 3])
    def test_a_constant_block_has_nothing_but_the_low_band(self, dims):
        image = torch.full((1, 2, *[4] * dims), 0.3, dtype=torch.float64)
        bands = HaarBands(dims)(space_to_depth(image)).unflatten(1, (2, 2**dims))
        assert torch.allclose(bands[:, :, 0], torch.tensor(0.3 * 2 ** (dims / 2), dtype=torch.float64))
        assert bands[:, :, 1:].abs().max() < 1e-15

    def test_lines_and_checkerboard_are_in_a_band_of_their_own(self):
        across = torch.tensor([1.0, -1.0, 1.0, -1.0]).expand(4, 4)
        patterns = {1: across, 2: across.T, 3: across * across.T}
        for band, pattern in patterns.items():
            bands = HaarBands(2)(space_to_depth(pattern[None, None]))
            assert [n for n in range(4) if bands[:, n].abs().max() > 1e-6] == [band]
            assert torch.allclose(bands[:, band], torch.tensor(2.0))

    def test_channels_are_transformed_each_on_its_own(self):
        x = torch.rand(2, 12, 3, 2)
        apart = torch.cat([HaarBands(2)(part) for part in x.split(4, dim=1)], dim=1)
        assert torch.allclose(HaarBands(2)(x), apart)

    def test_a_block_over_the_edge_stays_as_it_is(self):
        inside = torch.ones(1, 1, 4, 4)
        inside[..., 3] = 0
        blocks, mask = space_to_depth(torch.rand(1, 1, 4, 4) * inside), space_to_depth(inside)
        bands = HaarBands(2)(blocks, mask)
        assert torch.equal(bands[..., 1], blocks[..., 1])
        assert not torch.allclose(bands[..., 0], blocks[..., 0])
        assert torch.allclose(bands[..., 0], HaarBands(2)(blocks)[..., 0])
