"""Volumes with their affine."""

from __future__ import annotations

import numpy as np

from scripts.registration.volume import Volume, foreground, head_points

AFFINE = np.array([[0.0, -2, 0, 30], [1, 0, 0, -20], [0, 0, 5, 7], [0, 0, 0, 1]])


def test_spacing_and_centre_follow_the_affine():
    volume = Volume(np.zeros((5, 3, 2)), AFFINE)
    assert np.allclose(volume.spacing, (1, 2, 5))
    assert np.allclose(volume.centre(), (28, -18, 9.5))


def test_shrinking_averages_blocks_and_leaves_thick_slices_alone():
    values = np.arange(5 * 4 * 2, dtype=np.float32).reshape(5, 4, 2)
    coarse = Volume(values, AFFINE).shrunk(2.0)
    assert coarse.values.shape == (2, 4, 2)
    assert np.array_equal(coarse.values, (values[:4:2] + values[1:4:2]) / 2)
    assert np.allclose(coarse.spacing, (2, 2, 5))
    # the centre of the first block lies between its two voxels
    assert np.allclose(coarse.affine[:3, 3], AFFINE[:3, 3] + 0.5 * AFFINE[:3, 0])


def test_mirroring_exchanges_left_and_right():
    values = np.arange(24.0).reshape(4, 3, 2)
    mirrored = Volume(values, AFFINE).mirrored()
    # the second axis of voxels runs from right to left
    assert np.array_equal(mirrored.values, values[:, ::-1])
    assert np.array_equal(mirrored.affine, AFFINE)


def test_grids_are_the_same_within_a_hundredth_of_a_voxel():
    volume = Volume(np.zeros((50, 40, 30)), AFFINE)
    nearly, aside = AFFINE.copy(), AFFINE.copy()
    nearly[0, 3] += 0.005
    aside[0, 3] += 0.05
    assert volume.same_grid(Volume(np.ones((50, 40, 30)), nearly))
    assert not volume.same_grid(Volume(volume.values, aside))
    assert not volume.same_grid(Volume(np.zeros((50, 40, 29)), AFFINE))


def test_noisy_air_is_not_a_head():
    rng = np.random.default_rng(0)
    values = np.abs(rng.normal(0, 2, (20, 20, 20)))
    values[5:15, 5:15, 5:15] += 100
    assert foreground(values).sum() == 1000
    assert not foreground(np.full((3, 3, 3), 7.0)).any()


def test_the_points_of_a_head_lie_in_it():
    values = np.zeros((40, 40, 40), np.float32)
    values[8:16, 20:32, 4:8] = 5
    points = head_points(Volume(values, np.eye(4)), 2.0)
    assert len(points) == 4 * 6 * 2
    assert np.allclose(points.mean(0), (11.5, 25.5, 5.5))
    assert np.allclose(head_points(Volume(np.zeros((3, 3, 3)), np.eye(4))), [[1, 1, 1]])
