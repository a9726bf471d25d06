"""Metrics of fused and of decomposed images."""

from __future__ import annotations

from .decomposition import correlation, nmse, psnr, ssim
from .feature_mutual_information import feature_mutual_information
from .fusion_ssim import fusion_ssim
from .nonlinear_correlation import nonlinear_correlation
from .piella_heijmans import piella_heijmans
from .scores import DECOMPOSITION_METRICS, FUSION_METRICS, decomposition_scores, fusion_scores
from .xydeas_petrovic import xydeas_petrovic

__all__ = [
    "DECOMPOSITION_METRICS",
    "FUSION_METRICS",
    "correlation",
    "decomposition_scores",
    "feature_mutual_information",
    "fusion_scores",
    "fusion_ssim",
    "nmse",
    "nonlinear_correlation",
    "piella_heijmans",
    "psnr",
    "ssim",
    "xydeas_petrovic",
]
