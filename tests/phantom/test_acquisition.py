from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.acquisition import bias_field, point_spread, rician_noise, thick_slices
from scripts.phantom.grid import Grid

FRAME = Grid((20, 20, 13), 12.0, (0.0, 0.0, 0.0))


class TestThickSlices:
    def test_one_layer_a_slice_changes_nothing(self, rng):
        volume = rng.random((3, 4, 6), np.float32)
        assert thick_slices(volume, 1) is volume

    def test_three_layers_make_one_slice_in_which_the_middle_weighs_most(self):
        layers = np.eye(6, dtype=np.float32).reshape(1, 6, 6)
        weights = thick_slices(layers, 3)[0]
        outer = np.exp(-0.5 / 0.9**2)
        expected = np.array([outer, 1.0, outer]) / (1.0 + 2.0 * outer)
        assert weights.shape == (6, 2)
        assert weights[:3, 0] == pytest.approx(expected)
        assert weights[3:, 1] == pytest.approx(expected)
        assert not weights[3:, 0].any()

    @pytest.mark.parametrize("factor", [2, 3, 4])
    def test_what_is_alike_everywhere_stays_as_it_is(self, factor):
        assert thick_slices(np.full((2, 2, 12), 0.7, np.float32), factor) == pytest.approx(0.7)


class TestPointSpread:
    def test_it_blurs_within_slices_and_not_across(self):
        point = np.zeros((9, 9, 3), np.float32)
        point[4, 4, 1] = 1.0
        seen = point_spread(point, 1.0)
        assert not seen[:, :, [0, 2]].any()
        assert seen[4, 4, 1] == pytest.approx(1.0 / (2.0 * np.pi), rel=0.01)
        assert seen[4, 5, 1] == pytest.approx(seen[4, 4, 1] * np.exp(-0.5), rel=0.01)

    def test_it_keeps_the_sum(self, rng):
        volume = rng.random((12, 12, 3), np.float32)
        assert point_spread(volume, 1.0).sum() == pytest.approx(volume.sum(), rel=1e-5)


class TestBiasField:
    def test_mean_is_about_1_and_spread_is_the_strength(self):
        fields = np.stack([bias_field(np.random.default_rng(seed), FRAME, 0.05) for seed in range(60)])
        assert fields.mean() == pytest.approx(1.0, abs=0.01)
        assert fields.std() == pytest.approx(0.05, abs=0.008)
        assert (fields > 0).all()

    def test_it_is_smooth(self, rng):
        field = bias_field(rng, FRAME, 0.05)
        assert max(np.abs(np.diff(field, axis=axis)).max() for axis in range(3)) < 0.05

    def test_strength_0_gives_no_field(self, rng):
        assert (bias_field(rng, FRAME, 0.0) == 1.0).all()


class TestRicianNoise:
    def test_mean_of_noise_alone_is_that_of_rayleigh(self, rng):
        noise = rician_noise(rng, np.zeros((80, 80, 12), np.float32), 0.03)
        assert noise.mean() == pytest.approx(0.03 * np.sqrt(np.pi / 2.0), rel=0.01)
        assert noise.std() == pytest.approx(0.03 * np.sqrt(2.0 - np.pi / 2.0), rel=0.01)
        assert noise.min() >= 0

    def test_strong_signal_keeps_its_mean_and_gets_the_noise_of_one_channel(self, rng):
        seen = rician_noise(rng, np.ones((80, 80, 12), np.float32), 0.03)
        assert seen.mean() == pytest.approx(np.sqrt(1.0 + 0.03**2), abs=0.001)
        assert seen.std() == pytest.approx(0.03, rel=0.01)

    def test_neighbours_are_alike_within_a_slice_only(self, rng):
        seen = rician_noise(rng, np.ones((80, 80, 12), np.float32), 0.03) - 1.0
        within = (seen[1:] * seen[:-1]).mean() / seen.var()
        across = (seen[..., 1:] * seen[..., :-1]).mean() / seen.var()
        assert within > 0.15
        assert abs(across) < 0.02

    def test_no_noise_leaves_the_signal(self, rng):
        volume = rng.random((5, 5, 5), np.float32)
        assert np.array_equal(rician_noise(rng, volume, 0.0), volume)
