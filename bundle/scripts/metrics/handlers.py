"""Ignite handlers of the metrics, declared in a config as `key_val_metric` and `additional_metrics` of an evaluator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from monai.handlers import IgniteMetricHandler
from monai.utils import MetricReduction
from monai.utils.enums import CommonKeys

from .cumulative import DecompositionMetric, FusionMetric

Images = torch.Tensor | Sequence[torch.Tensor]


def fused_and_sources(output: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[Images, Images]:
    """Fused images, cut off at 0 and 1 as a file would be, and sources of an engine's output, decollated or not."""
    return _pair(output, "fused")


def decomposed_and_sources(output: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[Images, Images]:
    """Decomposed images, cut off at 0 and 1, and sources of an engine's output, decollated or not."""
    return _pair(output, "decomposed")


def _pair(output: Mapping[str, Any] | Sequence[Mapping[str, Any]], name: str) -> tuple[Images, Images]:
    if not isinstance(output, Mapping):
        pairs = [_pair(item, name) for item in output]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    prediction = output[CommonKeys.PRED]
    image = prediction[name] if isinstance(prediction, Mapping) else prediction
    return image.clamp(0.0, 1.0), output[CommonKeys.IMAGE]


class FusionQuality(IgniteMetricHandler):
    """Put a fusion metric into ``engine.state.metrics``, and its values per image into ``metric_details``.

    Args:
        name: one of `FUSION_METRICS`.
        variant: "full" or "centre", for Q_XY and Q_P. Defaults to "full".
        reduction: see `FusionMetric`. Defaults to "mean".
        output_transform: from the engine's output to fused images and sources. Defaults to `fused_and_sources`.
        save_details: whether the values per image are kept. Defaults to True.
    """

    def __init__(
        self,
        name: str,
        variant: str = "full",
        reduction: MetricReduction | str = MetricReduction.MEAN,
        output_transform: Callable = fused_and_sources,
        save_details: bool = True,
    ) -> None:
        metric = FusionMetric(name, variant, reduction)
        super().__init__(metric_fn=metric, output_transform=output_transform, save_details=save_details)


class DecompositionQuality(IgniteMetricHandler):
    """Put a decomposition metric into ``engine.state.metrics``, and its values per image into ``metric_details``.

    Args:
        name: one of `DECOMPOSITION_METRICS`.
        reduction: see `DecompositionMetric`. Defaults to "mean".
        output_transform: from the engine's output to decomposed images and sources. Defaults to
            `decomposed_and_sources`.
        save_details: whether the values per image are kept. Defaults to True.
    """

    def __init__(
        self,
        name: str,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        output_transform: Callable = decomposed_and_sources,
        save_details: bool = True,
    ) -> None:
        metric = DecompositionMetric(name, reduction)
        super().__init__(metric_fn=metric, output_transform=output_transform, save_details=save_details)
