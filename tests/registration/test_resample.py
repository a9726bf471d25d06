"""Volumes on other grids."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.registration.motion import rigid_matrix
from scripts.registration.resample import resample

SHAPE = (24, 20, 16)


def bumps(x, y, z):
    return 100 + 30 * np.sin(x / 4) * np.cos(y / 5) + 10 * np.sin(z / 3)


def volume():
    return bumps(*np.meshgrid(*(np.arange(n, dtype=float) for n in SHAPE), indexing="ij")).astype(np.float32)


@pytest.mark.parametrize("order", [1, 3])
def test_the_same_grid_gives_the_same_voxels(order):
    result = resample(volume(), np.eye(4), np.eye(4), SHAPE, order=order)
    assert np.allclose(result.volume, volume(), atol=1e-3)
    assert result.inside.all()


def test_a_reversed_and_permuted_grid_moves_voxels_only():
    onto = np.array([[0.0, 0, -1, 23], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    result = resample(volume(), np.eye(4), onto, (20, 16, 24))
    assert np.allclose(result.volume, volume()[::-1].transpose(1, 2, 0), atol=1e-3)
    assert result.inside.all()


def test_values_between_voxels_are_those_of_the_function_and_splines_are_closer():
    onto = np.diag([0.5, 0.5, 0.5, 1.0])
    onto[:3, 3] = 4.25
    truth = bumps(*np.meshgrid(*(4.25 + 0.5 * np.arange(12),) * 3, indexing="ij"))
    errors = [np.abs(resample(volume(), np.eye(4), onto, (12,) * 3, order=n).volume - truth).max() for n in (1, 3)]
    assert errors[0] < 1.0
    assert errors[1] < 0.05


def test_a_motion_is_undone_by_its_inverse_grid():
    motion = rigid_matrix(np.array([0.0, 0.0, 90.0]), np.zeros(3), np.zeros(3))
    # the head was turned from x to y; resampling with the same motion finds it
    turned = resample(volume(), np.eye(4), np.eye(4), SHAPE, np.linalg.inv(motion) @ motion)
    assert np.allclose(turned.volume, volume(), atol=1e-3)


def test_outside_is_zero_and_reported():
    onto = np.eye(4)
    onto[0, 3] = 12
    result = resample(volume(), np.eye(4), onto, SHAPE)
    assert result.inside.mean() == 0.5
    assert (result.volume[12:] == 0).all()
    assert np.allclose(result.volume[:12], volume()[12:], atol=1e-3)


def test_half_a_voxel_beyond_the_last_middle_is_still_inside():
    onto = np.eye(4)
    onto[2, 3] = 0.4
    result = resample(volume(), np.eye(4), onto, SHAPE)
    assert result.inside.all()
    onto[2, 3] = 0.6
    assert not resample(volume(), np.eye(4), onto, SHAPE).inside[..., -1].any()


def test_splines_do_not_leave_the_range_and_do_not_ring_in_a_background():
    box = np.zeros((20, 20, 20), np.float32)
    box[6:14, 6:14, 6:14] = 500
    onto = np.eye(4)
    onto[:3, 3] = 0.3
    result = resample(box, np.eye(4), onto, box.shape).volume
    assert (result.min(), result.max()) == (0, 500)
    # the corners of the box fill less than half of their voxels now
    assert (result > 0).sum() == 490


def test_thick_slices_are_means_of_thin_ones():
    onto = np.diag([1.0, 1.0, 4.0, 1.0])
    onto[2, 3] = 1.5
    result = resample(volume(), np.eye(4), onto, (24, 20, 4)).volume
    assert np.allclose(result, volume().reshape(24, 20, 4, 4).mean(-1), atol=1e-3)


def test_one_slice_can_be_resampled():
    assert resample(volume()[..., :1], np.eye(4), np.eye(4), (24, 20, 1)).volume.shape == (24, 20, 1)
