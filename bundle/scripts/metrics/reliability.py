"""Calibration of uncertainty maps: rank correlation, factors, and the reliability curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr


@dataclass(frozen=True)
class ReliabilityCurve:
    """Expected and true error of pixels sorted by their expected error.

    Args:
        expected: root mean square of σ in each bin.
        actual: root mean square of the error in each bin.
        count: pixels in each bin.
    """

    expected: np.ndarray
    actual: np.ndarray
    count: np.ndarray

    @property
    def deviation(self) -> float:
        """Mean distance of the curve from the diagonal as a share of the true error, by pixels (ENCE).

        Levi et al., "Evaluating and calibrating uncertainty prediction in regression tasks", 2019, normalise by the
        expected error; here it is the true one, so that a constant factor of 2 is 1 and not 0.5.
        """
        known = self.actual > 0
        distance = np.abs(self.expected - self.actual)[known] / self.actual[known]
        return float(np.average(distance, weights=self.count[known])) if known.any() else 0.0


def rank_correlation(error: np.ndarray, sigma: np.ndarray) -> float:
    """Spearman's correlation between σ and the absolute error: 1 when a larger σ always means a larger error.

    Args:
        error: errors of any sign.
        sigma: as many σ.

    Returns:
        the correlation; NaN when one of them is constant.
    """
    if np.ptp(sigma) == 0 or np.ptp(np.abs(error)) == 0:
        return float("nan")
    return float(spearmanr(np.abs(error), sigma).statistic)


def ideal_rank_correlation(expected: np.ndarray, draws: int = 2000) -> float:
    """Rank correlation that a map would have if it were right everywhere, with normally distributed errors.

    It is far below 1: the expected size of an error does not determine its actual size.

    Args:
        expected: σ of equally many pixels each, for instance those of a `ReliabilityCurve`.
        draws: errors drawn for each. Defaults to 2000.
    """
    sigma = np.repeat(np.asarray(expected, dtype=np.float64), draws)
    return rank_correlation(sigma * np.random.default_rng(0).normal(size=sigma.size), sigma)


def calibration_factor(error: np.ndarray, sigma: np.ndarray) -> float:
    """Compute the factor that makes σ as large as the root mean square error over all pixels.

    Args:
        error: errors of any sign.
        sigma: as many σ.

    Returns:
        the factor; 1 for a calibrated map, NaN when every σ is 0.
    """
    expected = np.square(sigma, dtype=np.float64).mean()
    return float(np.sqrt(np.square(error, dtype=np.float64).mean() / expected)) if expected > 0 else float("nan")


def reliability_curve(error: np.ndarray, sigma: np.ndarray, bins: int = 20) -> ReliabilityCurve:
    """Sort the pixels by σ into bins of equal size, and compare σ with the error in each.

    Args:
        error: errors of any sign.
        sigma: as many σ.
        bins: number of bins. Defaults to 20.

    Raises:
        ValueError: when there are fewer pixels than bins, or arrays of different sizes.
    """
    error, sigma = (np.asarray(values, dtype=np.float64).ravel() for values in (error, sigma))
    if error.size != sigma.size or error.size < bins:
        raise ValueError(f"{bins} bins need as many errors as σ, and a pixel each, got {error.size} and {sigma.size}.")
    parts = np.array_split(np.argsort(sigma, kind="stable"), bins)
    expected, actual = (np.array([np.sqrt(np.square(v[p]).mean()) for p in parts]) for v in (sigma, error))
    return ReliabilityCurve(expected, actual, np.array([len(part) for part in parts]))


def coverage(error: np.ndarray, sigma: np.ndarray, widths: tuple[float, ...] = (1.0, 2.0)) -> list[float]:
    """Compute the share of errors within a number of σ: 0.68 and 0.95 for normally distributed errors.

    Args:
        error: errors of any sign.
        sigma: as many σ.
        widths: how many σ. Defaults to 1 and 2.
    """
    return [float((np.abs(error) <= width * sigma).mean()) for width in widths]
