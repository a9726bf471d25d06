"""Mahalanobis distance from a normal distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.data.errors import BadInputError

SHRINKAGE = 0.1
"""Shrinkage of correlations towards 0, because few patients do not determine them well."""


@dataclass(frozen=True)
class Mahalanobis:
    """Normal distribution of a few statistics, and distances from its mean.

    Attributes:
        names: names of the statistics.
        mean: their mean.
        covariance: their covariance.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, names: Sequence[str], groups: Sequence[np.ndarray], shrinkage: float = SHRINKAGE) -> Mahalanobis:
        """Fit to groups with equal weight, regardless of size.

        Args:
            names: names of the statistics.
            groups: an array (slices, statistics) for each patient.
            shrinkage: shrinkage of correlations towards 0. Defaults to `SHRINKAGE`.

        Raises:
            BadInputError: when a statistic does not vary, so that the distance is undefined.
        """
        mean = np.mean([group.mean(axis=0) for group in groups], axis=0)
        covariance = np.mean([(group - mean).T @ (group - mean) / len(group) for group in groups], axis=0)
        variance = np.diag(covariance)
        if not (np.isfinite(variance).all() and (variance > 0).all()):
            still = [name for name, value in zip(names, variance, strict=True) if not value > 0]
            raise BadInputError(
                f"{', '.join(still)} does not vary over the slices of the patients given. Give more patients, or leave "
                "it out of --statistics."
            )
        covariance = (1 - shrinkage) * covariance + shrinkage * np.diag(variance)
        return cls(tuple(names), tuple(mean.tolist()), tuple(tuple(row) for row in covariance.tolist()))

    def distance(self, values: np.ndarray) -> np.ndarray:
        """Return the distance of each row from the mean; usual rows have a root mean square of 1.

        Args:
            values: array (slices, statistics).

        Returns:
            array (slices,).
        """
        away = np.asarray(values, dtype=np.float64) - np.asarray(self.mean)
        solved = np.linalg.solve(np.asarray(self.covariance), away.T)
        return np.sqrt((away.T * solved).sum(axis=0) / len(self.mean))
