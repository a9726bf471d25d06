from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.grid import CENTRE, FIELD_OF_VIEW, Grid


def test_box_around_the_brain_is_known_at_1_mm():
    assert Grid.around_brain(1.0) == Grid((164, 190, 156), 1.0, (38.0, 32.0, 0.0))


@pytest.mark.parametrize("voxel", [1.0, 2.0, 3.0, 4.0])
def test_box_lies_on_the_voxels_of_the_frame_and_within_it(voxel):
    grid = Grid.around_brain(voxel)
    ends = [start + n * voxel for start, n in zip(grid.start, grid.shape, strict=True)]
    assert all(start % voxel == 0 for start in grid.start)
    assert all(end <= extent for end, extent in zip(ends, FIELD_OF_VIEW, strict=True))
    assert grid.shape[2] * voxel == FIELD_OF_VIEW[2]


def test_points_count_right_anterior_superior_from_the_anterior_commissure():
    points = Grid((2, 3, 4), 2.0, (110.0, 100.0, 60.0)).points()
    assert points.shape == (3, 2, 3, 4)
    assert points.dtype == np.float32
    assert points[:, 0, 0, 0].tolist() == [9.5, 15.0, -8.0]
    assert points[:, 1, 2, 3].tolist() == [7.5, 11.0, -2.0]


def test_a_voxel_on_the_centre_is_the_origin_of_the_template():
    assert Grid((1, 1, 1), 1.0, CENTRE).points().ravel().tolist() == [0.0, 0.0, 0.0]


def test_midline_is_the_middle_of_the_frame():
    x = Grid((240, 1, 1), 1.0, (0.0, 0.0, 0.0)).points()[0].ravel()
    assert np.array_equal(x, -x[::-1])
