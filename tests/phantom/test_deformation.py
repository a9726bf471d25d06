from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.deformation import individual_points, mass_effect, pull
from scripts.phantom.grid import Grid

CENTRE = np.array([-30.0, -20.0, 20.0])
FLAT = Grid((24, 24, 24), 4.0, (72.0, 68.0, 20.0))


def volume_ratios(points, voxel):
    """Return the template volume per voxel volume: the determinant of the Jacobian."""
    jacobian = np.stack([np.stack(np.gradient(component, voxel)) for component in points])
    return np.linalg.det(np.moveaxis(jacobian, (0, 1), (-2, -1)))


class TestIndividualPoints:
    def test_a_seed_chooses_the_head(self, coarse_grid):
        one, again, other = (individual_points(np.random.default_rng(seed), coarse_grid) for seed in (1, 1, 2))
        assert one.shape == (3, *coarse_grid.shape)
        assert np.array_equal(one, again)
        assert np.abs(one - other).max() > 2.0

    def test_heads_are_smaller_than_the_template_by_the_scale_of_each_axis(self, coarse_grid):
        ratios = [
            volume_ratios(individual_points(np.random.default_rng(seed), coarse_grid), coarse_grid.voxel).mean()
            for seed in range(8)
        ]
        assert np.mean(ratios) == pytest.approx(1.0 / (0.94 * 0.93 * 0.90), rel=0.03)

    @pytest.mark.parametrize("seed", [7, 2018])
    def test_tissue_is_never_folded(self, seed):
        grid = Grid.around_brain(4.0)
        assert volume_ratios(individual_points(np.random.default_rng(seed), grid), grid.voxel).min() > 0.0

    def test_left_and_right_differ(self):
        grid = Grid((21, 10, 10), 4.0, (79.5, 95.0, 48.0))
        assert np.array_equal(grid.points()[1], grid.points()[1, ::-1])
        points = individual_points(np.random.default_rng(1), grid)
        assert np.abs(points[1] - points[1, ::-1]).max() > 2.0


class TestMassEffect:
    @pytest.fixture
    def brain(self):
        return (FLAT.points() ** 2).sum(0) < 44.0**2

    def test_push_is_greatest_at_the_edge_and_never_more_than_asked(self, brain):
        displacement = mass_effect(FLAT, np.zeros(3), 16.0, 5.0, brain)
        length = np.sqrt((displacement**2).sum(0))
        distance = np.sqrt((FLAT.points() ** 2).sum(0))
        assert length.max() == pytest.approx(5.0, rel=0.02)
        assert distance.ravel()[length.argmax()] == pytest.approx(16.0, abs=2.0)

    def test_outline_of_the_brain_stays(self, brain):
        displacement = mass_effect(FLAT, CENTRE, 16.0, 6.0, brain)
        assert displacement.shape == (3, *FLAT.shape)
        assert not displacement[:, ~brain].any()

    def test_displacement_points_to_the_centre(self, brain):
        displacement = mass_effect(FLAT, CENTRE, 16.0, 6.0, brain)
        offset = FLAT.points() - CENTRE.reshape(3, 1, 1, 1)
        along = (displacement * offset).sum(0)
        assert np.allclose(-along, np.sqrt((displacement**2).sum(0) * (offset**2).sum(0)), atol=1e-3)

    def test_no_push_moves_nothing(self, brain):
        assert not mass_effect(FLAT, CENTRE, 16.0, 0.0, brain).any()


class TestPull:
    def test_no_displacement_leaves_the_points(self, coarse_grid, rng):
        points = individual_points(rng, coarse_grid)
        assert pull(points, coarse_grid, np.zeros_like(points)) == pytest.approx(points)

    def test_millimetres_are_added_along_the_axes_of_the_template(self):
        step = np.float32([3.0, -2.0, 5.0]).reshape(3, 1, 1, 1)
        displacement = np.broadcast_to(step, (3, *FLAT.shape))
        moved = pull(FLAT.points(), FLAT, displacement)
        inner = (slice(None), *[slice(3, -3)] * 3)
        assert moved[inner] == pytest.approx((FLAT.points() + step)[inner], abs=1e-4)
