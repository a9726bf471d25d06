"""Whether a map of doubt tells the truth, on errors whose size is known."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.metrics.reliability import (
    calibration_factor,
    coverage,
    ideal_rank_correlation,
    rank_correlation,
    reliability_curve,
)


@pytest.fixture
def sigma():
    return np.random.default_rng(0).uniform(0.01, 0.1, 50_000)


@pytest.fixture
def error(sigma):
    return sigma * np.random.default_rng(1).normal(size=sigma.size)


def test_the_factor_mends_a_map_that_is_too_small(error, sigma):
    assert calibration_factor(error, sigma) == pytest.approx(1, abs=0.01)
    assert calibration_factor(error, sigma / 3) == pytest.approx(3, abs=0.03)
    assert np.isnan(calibration_factor(error, np.zeros_like(sigma)))


def test_the_curve_of_a_true_map_is_the_diagonal(error, sigma):
    curve = reliability_curve(error, sigma, bins=10)
    assert np.allclose(curve.actual, curve.expected, rtol=0.05)
    assert (np.diff(curve.expected) > 0).all()
    assert curve.deviation < 0.03
    assert curve.count.tolist() == [5000] * 10


def test_a_map_of_twice_the_error_deviates_by_one(error, sigma):
    assert reliability_curve(error, 2 * sigma).deviation == pytest.approx(1, abs=0.03)


def test_a_map_that_knows_nothing_has_a_flat_curve(error, sigma):
    curve = reliability_curve(error, np.random.default_rng(2).permutation(sigma), bins=5)
    assert np.ptp(curve.actual) < 0.1 * curve.actual.mean()
    assert curve.deviation > 0.3


def test_ranks(error, sigma):
    assert rank_correlation(sigma * np.where(np.arange(sigma.size) % 2, 1, -1), sigma) == pytest.approx(1)
    assert rank_correlation(error, np.random.default_rng(2).permutation(sigma)) == pytest.approx(0, abs=0.02)
    assert np.isnan(rank_correlation(error, np.ones_like(sigma)))


def test_an_ideal_map_does_not_reach_one(error, sigma):
    bins = reliability_curve(error, sigma).expected
    assert ideal_rank_correlation(bins) == pytest.approx(rank_correlation(error, sigma), abs=0.02)
    assert 0.3 < ideal_rank_correlation(bins) < 0.6
    assert ideal_rank_correlation(np.geomspace(1e-6, 1, 20)) > 0.9


def test_normal_errors_are_covered_as_they_should_be(error, sigma):
    assert coverage(error, sigma) == pytest.approx([0.683, 0.954], abs=0.01)


@pytest.mark.parametrize(("errors", "sigmas"), [(5, 5), (30, 31)])
def test_too_few_pixels_or_unequal_ones_are_told(errors, sigmas):
    with pytest.raises(ValueError, match="20 bins need"):
        reliability_curve(np.ones(errors), np.ones(sigmas))
