"""Estimating the displacement of two pictures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scripts.typicality.displacement import displacement

PICTURE = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(60, 50)), 1.5)
INSIDE = np.ones((60, 50), dtype=bool)


@pytest.mark.parametrize("step", [(0, 0), (3, 4), (-5, 0), (2, -7)])
def test_the_displacement_is_found(step):
    assert displacement(PICTURE, np.roll(PICTURE, step, (0, 1)), INSIDE) == pytest.approx(np.hypot(*step))


def test_nothing_inside_is_not_displaced():
    assert displacement(PICTURE, PICTURE, ~INSIDE) == 0


def test_it_is_looked_for_nearby_only():
    assert displacement(PICTURE, np.roll(PICTURE, 25, 0), INSIDE) < 0.2 * np.hypot(60, 50)
