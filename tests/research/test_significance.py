"""The statistics on known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, wilcoxon

from fusioninn_research.significance import compare, holm


def figures(values):
    return pd.Series({f"P{i:02}": value for i, value in enumerate(values)})


# Darwin's maize (Fisher, The Design of Experiments, 1935, chapter III): differences of 15 pairs in eighths of an inch.
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


class TestCompare:
    def test_the_p_is_that_of_scipy_on_a_classic(self):
        test = compare(figures(MAIZE), figures([0] * 15))
        assert test.p == wilcoxon(MAIZE).pvalue == pytest.approx(0.041260, abs=1e-6)
        assert (test.pairs, test.difference) == (15, 24)

    def test_all_in_one_direction_has_the_exact_p(self):
        for pairs in (6, 10, 16):
            test = compare(figures(np.arange(1.0, pairs + 1)), figures([0.0] * pairs))
            assert test.p == pytest.approx(2 / 2**pairs)

    def test_the_other_way_round_has_the_other_sign_and_the_same_p(self):
        rng = np.random.default_rng(1)
        one, other = figures(rng.normal(0.3, 1, 16)), figures(rng.normal(0, 1, 16))
        here, there = compare(one, other), compare(other, one)
        assert here.p == there.p
        assert here.difference == -there.difference

    def test_pairs_are_of_the_same_patient_whatever_their_order(self):
        one = pd.Series({"A": 1.0, "B": 2.0, "C": 3.0})
        other = pd.Series({"C": 2.5, "A": 0.5, "D": 9.0, "B": 1.5})
        test = compare(one, other)
        assert (test.pairs, test.difference, test.interval) == (3, 0.5, (0.5, 0.5))

    def test_few_patients_have_no_p(self):
        test = compare(figures([1.0, 2.0, 3.0, 4.0, 5.0]), figures([0.0] * 5))
        assert (test.pairs, test.difference, test.p) == (5, 3.0, None)

    def test_one_patient_has_no_interval_either(self):
        test = compare(pd.Series({"A": 0.5}), pd.Series({"A": 0.25}))
        assert (test.pairs, test.difference, test.interval, test.p) == (1, 0.25, None, None)

    def test_no_patient_has_nothing(self):
        test = compare(pd.Series({"A": 0.5}), pd.Series({"B": 0.25}))
        assert (test.pairs, test.difference, test.interval, test.p) == (0, None, None, None)

    def test_missing_figures_are_no_pairs(self):
        test = compare(pd.Series({"A": 1.0, "B": np.nan, "C": np.nan}), pd.Series({"A": 0.0, "B": 0.0, "C": 0.0}))
        assert test.pairs == 1

    def test_equal_methods_do_not_differ(self):
        test = compare(figures([0.5] * 10), figures([0.5] * 10))
        assert (test.difference, test.interval, test.p) == (0.0, (0.0, 0.0), 1.0)

    def test_the_interval_is_near_that_of_order_statistics(self):
        values = np.sort(np.random.default_rng(2).normal(0, 1, 41))
        low, high = compare(figures(values), figures([0.0] * 41)).interval
        # The exact interval of a median: the order statistics of the binomial distribution.
        rank = int(binom.ppf(0.025, 41, 0.5))
        assert values[rank - 2] <= low <= values[rank + 2]
        assert values[40 - rank - 2] <= high <= values[40 - rank + 2]

    def test_the_interval_is_the_same_each_time(self):
        one, other = figures(MAIZE), figures([0] * 15)
        assert compare(one, other).interval == compare(one, other).interval


def corrected(*p_values):
    return list(holm(pd.Series(p_values, dtype=float)))


class TestHolm:
    def test_a_worked_example(self):
        # Four tests: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04, which is not below the one before it.
        assert corrected(0.01, 0.04, 0.03, 0.005) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_one_test_needs_no_correction(self):
        assert corrected(0.04) == [0.04]

    def test_nothing_is_above_one(self):
        assert corrected(0.6, 0.7, 0.9) == [1.0, 1.0, 1.0]

    def test_tests_that_could_not_be_made_do_not_count(self):
        assert corrected(np.nan, 0.02, np.nan, 0.01) == pytest.approx([np.nan, 0.02, np.nan, 0.02], nan_ok=True)
        assert corrected() == []
