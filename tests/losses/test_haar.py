"""The finest Haar bands of an image."""

from __future__ import annotations

import pytest
import torch

from scripts.flow import HaarBands
from scripts.flow.resampling import space_to_depth
from scripts.losses.haar import finest_haar_bands

LINES = torch.tensor([1.0, -1.0]).repeat(4).expand(8, 8)


class TestFinestHaarBands:
    def test_a_checkerboard_is_in_hh_and_nowhere_else(self):
        checkerboard = LINES * LINES.T
        bands = finest_haar_bands(0.5 + 0.1 * checkerboard[None, None])
        assert bands.shape == (1, 1, 3, 4, 4)
        assert bands[:, :, :2].abs().max() < 1e-6
        assert torch.allclose(bands[:, :, 2], torch.tensor(0.2))

    @pytest.mark.parametrize(("band", "pattern"), [(0, LINES), (1, LINES.T)])
    def test_lines_are_in_the_band_of_their_direction(self, band, pattern):
        bands = finest_haar_bands(pattern[None, None])
        assert torch.allclose(bands[:, :, band], torch.tensor(2.0))
        others = [n for n in range(3) if n != band]
        assert bands[:, :, others].abs().max() < 1e-6

    @pytest.mark.parametrize("size", [(6, 8), (4, 6, 2)])
    def test_a_constant_image_has_no_detail(self, size):
        assert finest_haar_bands(torch.full((2, 3, *size), 0.7)).abs().max() < 1e-6

    @pytest.mark.parametrize("size", [(6, 8), (4, 6, 2)])
    def test_they_are_those_of_the_flow_without_the_lowest(self, size):
        x = torch.rand(2, 3, *size, dtype=torch.float64)
        of_the_flow = HaarBands(len(size))(space_to_depth(x)).unflatten(1, (3, -1))
        assert torch.allclose(finest_haar_bands(x), of_the_flow[:, :, 1:], rtol=0, atol=1e-15)

    def test_low_band_and_details_hold_all_the_energy(self):
        x = torch.rand(2, 1, 6, 8, dtype=torch.float64)
        low = torch.nn.functional.avg_pool2d(x, 2) * 2
        total = finest_haar_bands(x).square().sum() + low.square().sum()
        assert total.item() == pytest.approx(x.square().sum().item(), abs=1e-12)

    def test_an_odd_last_row_or_column_is_left_out(self):
        x = torch.rand(1, 2, 7, 9)
        assert torch.equal(finest_haar_bands(x), finest_haar_bands(x[..., :6, :8]))
