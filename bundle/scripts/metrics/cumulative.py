"""Metrics as MONAI classes: called for each batch, buffered per image, aggregated over all processes."""

from __future__ import annotations

import torch
from monai.metrics.regression import RegressionMetric
from monai.utils import MetricReduction

from .scores import DECOMPOSITION_METRICS, FUSION_METRICS, check_names, decomposition_scores, fusion_scores
from .variants import check_variant


class FusionMetric(RegressionMetric):
    """One of the fusion metrics, `y_pred` being fused images (B, 1, H, W) and `y` their sources (B, N, H, W).

    Args:
        name: one of `FUSION_METRICS`.
        variant: "full" or "centre", for Q_XY and Q_P. Defaults to "full".
        reduction: how values (images, 1) are reduced, see MONAI's `do_metric_reduction`. Defaults to "mean".
        get_not_nans: whether `aggregate` also returns the count of values. Defaults to False.

    Raises:
        BadInputError: when the metric or the variant is unknown.
    """

    def __init__(
        self,
        name: str,
        variant: str = "full",
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
    ) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        check_names([name], FUSION_METRICS)
        check_variant(variant)
        self.name = name
        self.variant = variant

    def _check_shape(self, y_pred: torch.Tensor, y: torch.Tensor) -> None:
        """Skip MONAI's check: a fused image has fewer channels than its sources."""

    def _compute_metric(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return fusion_scores(y_pred, y, self.variant, [self.name])[self.name][:, None]


class DecompositionMetric(RegressionMetric):
    """One of the decomposition metrics, `y_pred` being decomposed images (B, N, H, W) and `y` the sources.

    Args:
        name: one of `DECOMPOSITION_METRICS`.
        reduction: how values (images, N) are reduced, see MONAI's `do_metric_reduction`; "mean_batch" gives one for
            each source. Defaults to "mean".
        get_not_nans: whether `aggregate` also returns the count of values. Defaults to False.

    Raises:
        BadInputError: when the metric is unknown.
    """

    def __init__(
        self, name: str, reduction: MetricReduction | str = MetricReduction.MEAN, get_not_nans: bool = False
    ) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        check_names([name], DECOMPOSITION_METRICS)
        self.name = name

    def _compute_metric(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return decomposition_scores(y_pred, y, [self.name])[self.name]
