from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.grid import Grid
from scripts.phantom.noise import smooth_noise, smoothstep

FRAME = Grid((30, 30, 20), 8.0, (0.0, 0.0, 0.0))


def fields(length, seeds=12):
    return np.stack([smooth_noise(np.random.default_rng(seed), FRAME, length) for seed in range(seeds)])


class TestSmoothNoise:
    def test_it_is_one_field_at_every_voxel_size(self):
        fine, coarse = (
            smooth_noise(np.random.default_rng(3), Grid((n, n, n), voxel, (40.0, 40.0, 20.0)), 8.0)
            for n, voxel in ((24, 2.0), (12, 4.0))
        )
        assert np.abs(fine[::2, ::2, ::2] - coarse).max() < 1e-5

    def test_a_box_of_the_frame_sees_its_part_of_the_field(self, rng):
        whole = smooth_noise(np.random.default_rng(3), FRAME, 20.0)
        part = smooth_noise(np.random.default_rng(3), Grid((5, 6, 7), 8.0, (16.0, 24.0, 32.0)), 20.0)
        assert np.abs(whole[2:7, 3:9, 4:11] - part).max() < 1e-5

    def test_a_seed_chooses_the_field(self):
        one, again, other = (smooth_noise(np.random.default_rng(seed), FRAME, 15.0) for seed in (1, 1, 2))
        assert np.array_equal(one, again)
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.2

    def test_it_is_float32_of_the_shape_of_the_grid(self, rng):
        field = smooth_noise(rng, Grid((5, 6, 7), 4.0, (0.0, 0.0, 0.0)), 10.0)
        assert field.shape == (5, 6, 7)
        assert field.dtype == np.float32
        assert field.flags.c_contiguous

    def test_mean_is_0_and_variance_1(self):
        values = fields(16.0)
        assert values.mean() == pytest.approx(0.0, abs=0.02)
        assert values.std() == pytest.approx(1.0, abs=0.02)

    def test_neighbours_are_as_alike_as_the_kernel_says(self):
        values = fields(16.0)
        for voxels in (1, 2, 4):
            correlation = (values[:, voxels:] * values[:, :-voxels]).mean()
            assert correlation == pytest.approx(np.exp(-((8.0 * voxels / 16.0) ** 2) / 4), abs=0.04)


class TestSmoothstep:
    def test_it_is_0_below_1_above_and_a_half_in_the_middle(self):
        steps = smoothstep(np.array([-9.0, 2.0, 2.5, 3.0, 3.5, 4.0, 99.0]), 2.0, 4.0)
        assert steps.tolist() == [0.0, 0.0, 0.15625, 0.5, 0.84375, 1.0, 1.0]
        assert steps.dtype == np.float32

    def test_it_never_falls(self):
        assert (np.diff(smoothstep(np.linspace(-1, 2, 301), 0.0, 1.0)) >= 0).all()

    def test_edges_may_differ_from_voxel_to_voxel(self):
        assert smoothstep(np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([2.0, 2.0])).tolist() == [0.5, 0.0]
