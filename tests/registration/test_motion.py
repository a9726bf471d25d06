"""Angles and displacements of rigid motions."""

from __future__ import annotations

import numpy as np

from scripts.registration.motion import largest_displacement, rigid_matrix, rotation_degrees, shift_of, turn_degrees

CENTRE = np.array([10.0, -20.0, 30.0])


def test_angles_and_shift_come_back_from_the_matrix():
    matrix = rigid_matrix(np.array([5.0, -7.0, 12.0]), np.array([1.0, 2.0, 3.0]), CENTRE)
    assert np.allclose(rotation_degrees(matrix), (5, -7, 12))
    assert np.allclose(shift_of(matrix, CENTRE), (1, 2, 3))
    assert np.isclose(np.linalg.det(matrix), 1)


def test_a_turn_about_z_takes_x_to_y():
    matrix = rigid_matrix(np.array([0.0, 0.0, 90.0]), np.zeros(3), np.zeros(3))
    assert np.allclose(matrix @ [1, 0, 0, 1], [0, 1, 0, 1])
    assert np.isclose(turn_degrees(matrix), 90)


def test_the_largest_displacement_is_that_of_the_farthest_point():
    points = np.array([[0.0, 0, 0], [100, 0, 0]])
    turn = rigid_matrix(np.array([0.0, 0.0, 1.0]), np.zeros(3), np.zeros(3))
    assert np.isclose(largest_displacement(turn, points), 2 * 100 * np.sin(np.radians(0.5)))
    assert largest_displacement(turn, points, turn) == 0
