"""Paired tests over patients: whether one method is better than another by more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

FEWEST_PAIRS = 6
"""With fewer differences no outcome of the signed-rank test has a two-sided p below 0.05."""

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class PairedTest:
    """The comparison of two methods on the same patients.

    Args:
        pairs: number of patients that both have a figure for.
        difference: median over patients of the difference, None without patients.
        interval: 95 % confidence interval of that median, None with fewer than two patients.
        p: two-sided p of the Wilcoxon signed-rank test; 1 where all differences are zero, None where fewer than
            `FEWEST_PAIRS` are not.
    """

    pairs: int
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None


def compare(values: pd.Series, reference: pd.Series, seed: int = 0, resamples: int = 9999) -> PairedTest:
    """Compare two methods patient by patient.

    Args:
        values: a figure by patient.
        reference: the figures of the method that it is compared with.
        seed: seed of the bootstrap over patients that gives the interval (percentiles). Defaults to 0.
        resamples: number of bootstrap samples. Defaults to 9999.

    Returns:
        the test of `values` minus `reference`, of the patients that have both.
    """
    differences = (values - reference).dropna().sort_index().to_numpy(dtype=float)
    if not len(differences):
        return PairedTest(0, None, None, None)
    median = float(np.median(differences))
    return PairedTest(len(differences), median, _interval(differences, seed, resamples), _signed_rank(differences))


def holm(p_values: pd.Series) -> pd.Series:
    """Correct for the number of tests (Holm 1979): the chance of any false alarm among them stays below the level.

    Args:
        p_values: one for each test; NaN for tests that could not be made, which do not count.

    Returns:
        the corrected ones in the same order.
    """
    known = p_values.astype(float).dropna().sort_values(kind="stable")
    return (known * np.arange(len(known), 0, -1)).clip(upper=1.0).cummax().reindex(p_values.index)


def _signed_rank(differences: np.ndarray) -> float | None:
    different = differences[differences != 0]
    if not len(different):
        return 1.0
    return float(wilcoxon(different).pvalue) if len(different) >= FEWEST_PAIRS else None


def _interval(differences: np.ndarray, seed: int, resamples: int) -> tuple[float, float] | None:
    if len(differences) < 2:
        return None
    draws = np.random.default_rng(seed).choice(differences, (resamples, len(differences)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return float(low), float(high)
