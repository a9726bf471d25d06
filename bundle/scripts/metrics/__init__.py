"""Metrics of fused and of decomposed images: as functions, as MONAI metrics, as Ignite handlers."""

from __future__ import annotations

from .cumulative import DecompositionMetric, FusionMetric
from .handlers import DecompositionQuality, FusionQuality
from .scores import DECOMPOSITION_METRICS, FUSION_METRICS, decomposition_scores, fusion_scores

__all__ = [
    "DECOMPOSITION_METRICS",
    "FUSION_METRICS",
    "DecompositionMetric",
    "DecompositionQuality",
    "FusionMetric",
    "FusionQuality",
    "decomposition_scores",
    "fusion_scores",
]
