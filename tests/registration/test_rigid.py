"""Known motions of the phantom are found."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

from scripts.registration.motion import largest_displacement, rigid_matrix
from scripts.registration.rigid import as_matrix, register, to_itk
from scripts.registration.volume import Volume, head_points

MOTIONS = {
    "the largest turn and shift": ((15, 15, 15), (20, 20, 20), (3.0, 3.0, 3.0)),
    "the other way, thick slices": ((-15, 10, -15), (-20, 20, -5), (2.0, 2.0, 5.0)),
    "a little, coronal slices": ((1, -2, 0.5), (1, 0, -2), (2.0, 5.0, 2.0)),
}


@pytest.fixture(scope="module")
def pair(fine_pair):
    return fine_pair


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_known_motion_is_found_to_half_a_millimetre(pair, moved, motion):
    degrees, shift, spacing = MOTIONS[motion]
    fixed, flair = pair
    moving, truth = moved(flair, degrees, shift, spacing)
    assert largest_displacement(register(fixed, moving), head_points(fixed), truth) < 0.5


def test_a_pair_that_lies_right_stays(pair):
    assert largest_displacement(register(*pair), head_points(pair[0])) < 0.5


def test_headers_that_put_the_head_elsewhere_are_corrected(pair):
    fixed, flair = pair
    away = np.eye(4)
    away[:3, 3] = (300, -200, 150)
    found = register(fixed, Volume(flair.values, away @ flair.affine), same_frame=False)
    assert largest_displacement(found, head_points(fixed), away) < 0.5


def test_the_same_input_gives_the_same_matrix(pair, moved):
    moving, _ = moved(pair[1], (5, 4, 3), (3, 2, 1))
    assert np.array_equal(register(pair[0], moving), register(pair[0], moving))


def test_itk_sees_a_volume_where_it_is():
    itk = pytest.importorskip("itk")
    affine = rigid_matrix(np.array([10.0, 20.0, 30.0]), np.array([4.0, 5.0, 6.0]), np.zeros(3)) @ np.diag([1, 2, 3, 1])
    image = to_itk(Volume(np.arange(24, dtype=np.float32).reshape(2, 3, 4), affine))
    assert image.GetPixel([1, 2, 3]) == 23
    assert np.allclose(image.TransformIndexToPhysicalPoint([1, 2, 3]), (affine @ [1, 2, 3, 1])[:3])
    assert np.allclose(as_matrix(itk.Euler3DTransform[itk.D].New()), np.eye(4))
