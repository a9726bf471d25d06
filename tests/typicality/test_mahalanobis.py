"""Distance from a distribution."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.typicality.mahalanobis import Mahalanobis

KNOWN = Mahalanobis(("a", "b"), (1.0, 2.0), ((4.0, 0.0), (0.0, 9.0)))


def test_known_answers():
    distances = KNOWN.distance(np.array([[1, 2], [3, 2], [1, -4], [3, 5]]))
    assert distances == pytest.approx([0, 1 / 2**0.5, 2**0.5, 1])
    correlated = Mahalanobis(("a", "b"), (0.0, 0.0), ((1.0, 0.5), (0.5, 1.0)))
    assert correlated.distance(np.array([[1.0, 1.0]])) == pytest.approx([(4 / 3 / 2) ** 0.5])


def test_a_fit_gives_mean_and_covariance_with_correlations_drawn_to_none():
    group = np.random.default_rng(0).multivariate_normal([1, 2], [[4, 3], [3, 9]], 40000)
    fitted = Mahalanobis.fit(("a", "b"), [group], shrinkage=0.5)
    assert fitted.mean == pytest.approx((1, 2), abs=0.05)
    assert np.array(fitted.covariance) == pytest.approx(np.array([[4, 1.5], [1.5, 9]]), abs=0.15)
    whole = Mahalanobis.fit(("a", "b"), [group], shrinkage=0)
    assert np.sqrt(np.mean(whole.distance(group) ** 2)) == pytest.approx(1)


def test_patients_have_equal_weight_regardless_of_their_slices():
    few, many = np.array([[0.0], [0.2]]), np.full((98, 1), 1.0)
    assert Mahalanobis.fit(("a",), [few, many]).mean == pytest.approx((0.55,))


def test_what_does_not_vary_is_reported():
    with pytest.raises(BadInputError, match="b does not vary over the slices"):
        Mahalanobis.fit(("a", "b"), [np.array([[0.0, 1.0], [1.0, 1.0]])])
