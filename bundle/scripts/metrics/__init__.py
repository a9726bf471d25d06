"""Metrics of fused and of decomposed images."""

from __future__ import annotations

from .scores import DECOMPOSITION_METRICS, FUSION_METRICS, decomposition_scores, fusion_scores

__all__ = ["DECOMPOSITION_METRICS", "FUSION_METRICS", "decomposition_scores", "fusion_scores"]
