"""Means over patients with intervals: a bootstrap that draws patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_Statistic = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A figure over patients.

    Args:
        value: the figure.
        low: lower end of the 95 % interval; None with fewer than two patients, or where a share of zero was drawn.
        high: its upper end.
    """

    value: float
    low: float | None
    high: float | None


def mean_over_patients(values: np.ndarray, seed: int = 0, resamples: int = 9999) -> Estimate:
    """Return the mean with its interval.

    Args:
        values: one for each patient.
        seed: seed of the bootstrap. Defaults to 0.
        resamples: number of bootstrap samples. Defaults to 9999.
    """
    return _estimate((values,), lambda x: x.mean(axis=-1), seed, resamples)


def mean_difference(values: np.ndarray, reference: np.ndarray, seed: int = 0, resamples: int = 9999) -> Estimate:
    """Return the mean of the differences of the same patients, ``values - reference``; further arguments as above."""
    return mean_over_patients(np.subtract(values, reference), seed, resamples)


def ratio_of_means(values: np.ndarray, reference: np.ndarray, seed: int = 0, resamples: int = 9999) -> Estimate:
    """Return the mean of `values` as a share of that of `reference`, of the same patients; see above."""
    return _estimate((values, reference), lambda x, y: x.mean(axis=-1) / y.mean(axis=-1), seed, resamples)


def _estimate(samples: tuple[np.ndarray, ...], statistic: _Statistic, seed: int, resamples: int) -> Estimate:
    samples = tuple(np.asarray(sample, dtype=float) for sample in samples)
    value = float(statistic(*samples))
    count = len(samples[0])
    if count < 2:
        return Estimate(value, None, None)
    drawn = np.random.default_rng(seed).integers(count, size=(resamples, count))
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn_values = statistic(*(sample[drawn] for sample in samples))
    if not np.isfinite(drawn_values).all():
        return Estimate(value, None, None)
    low, high = np.percentile(drawn_values, [2.5, 97.5])
    return Estimate(value, float(low), float(high))
