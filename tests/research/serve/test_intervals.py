"""Intervals over patients, by resampling the patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from fusioninn_research.serve.intervals import Estimate, mean_difference, mean_over_patients, ratio_of_means


@pytest.fixture
def dice():
    rng = np.random.default_rng(3)
    first = rng.uniform(0.5, 0.95, 60)
    return first, first + rng.normal(-0.01, 0.02, 60)


def test_the_interval_is_that_of_another_bootstrap(dice):
    found = mean_over_patients(dice[0])
    other = bootstrap((dice[0],), np.mean, method="percentile").confidence_interval
    assert found.value == pytest.approx(dice[0].mean())
    assert (found.low, found.high) == pytest.approx(tuple(other), abs=0.004)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution(dice):
    found = mean_over_patients(dice[0])
    half = 1.96 * dice[0].std(ddof=1) / np.sqrt(60)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.005)


def test_differences_of_the_same_patients_are_narrower_than_those_of_means(dice):
    paired = mean_difference(dice[1], dice[0])
    alone = mean_over_patients(dice[0])
    assert paired.value == pytest.approx((dice[1] - dice[0]).mean())
    assert paired.high - paired.low < (alone.high - alone.low) / 3
    assert paired.low < paired.value < paired.high < 0


def test_a_constant_share_has_no_width():
    values = np.array([0.2, 0.5, 0.9])
    found = ratio_of_means(0.98 * values, values)
    assert (found.value, found.low, found.high) == pytest.approx((0.98, 0.98, 0.98))


def test_the_same_seed_gives_the_same_interval(dice):
    assert mean_over_patients(dice[0], seed=1) == mean_over_patients(dice[0], seed=1)
    assert mean_over_patients(dice[0], seed=1) != mean_over_patients(dice[0], seed=2)


def test_one_patient_has_no_interval():
    assert mean_over_patients(np.array([0.7])) == Estimate(0.7, None, None)


def test_a_share_of_nothing_has_no_interval():
    found = ratio_of_means(np.array([0.1, 0.2]), np.array([0.0, 0.4]))
    assert found == Estimate(pytest.approx(0.75), None, None)
