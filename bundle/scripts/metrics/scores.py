"""Compute several metrics at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from scripts.data.errors import BadInputError

from .decomposition import correlation, nmse, psnr, ssim
from .feature_mutual_information import feature_mutual_information
from .fusion_ssim import fusion_ssim
from .nonlinear_correlation import nonlinear_correlation
from .piella_heijmans import piella_heijmans, ssim_and_piella_heijmans
from .variants import check_variant
from .xydeas_petrovic import xydeas_petrovic

FUSION_METRICS = {
    "Q_SSIM": fusion_ssim,
    "Q_FMI": feature_mutual_information,
    "Q_NCIE": nonlinear_correlation,
    "Q_XY": xydeas_petrovic,
    "Q_P": piella_heijmans,
}
WITH_VARIANTS = ("Q_XY", "Q_P")
DECOMPOSITION_METRICS = {"SSIM": ssim, "PSNR": psnr, "NMSE": nmse, "correlation": correlation}


def fusion_scores(
    fused: torch.Tensor, sources: torch.Tensor, variant: str = "full", metrics: Sequence[str] = tuple(FUSION_METRICS)
) -> dict[str, torch.Tensor]:
    """Compute scores of fused images.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1].
        sources: their sources (batch_size, N, H, W) in [0, 1].
        variant: "full" or "centre", for Q_XY and Q_P. Defaults to "full".
        metrics: those wanted; images with sides of 3 to 10 pixels have no Q_SSIM and no Q_P. Defaults to all.

    Returns:
        tensors (batch_size,) in double precision by the metric's name.

    Raises:
        BadInputError: when a metric or the variant is unknown, or images cannot be measured, see `grey_levels`.
    """
    check_names(metrics, FUSION_METRICS)
    check_variant(variant)
    scores = {}
    if variant == "full" and {"Q_SSIM", "Q_P"} <= set(metrics):
        scores["Q_SSIM"], scores["Q_P"] = ssim_and_piella_heijmans(fused, sources)
    for name in metrics:
        if name not in scores:
            scores[name] = FUSION_METRICS[name](fused, sources, *([variant] if name in WITH_VARIANTS else []))
    return {name: scores[name] for name in metrics}


def decomposition_scores(
    decomposed: torch.Tensor, sources: torch.Tensor, metrics: Sequence[str] = tuple(DECOMPOSITION_METRICS)
) -> dict[str, torch.Tensor]:
    """Compute scores of decomposed images for each source.

    Args:
        decomposed: decomposed images (batch_size, N, H, W) in [0, 1].
        sources: the sources themselves, of the same shape.
        metrics: those wanted. Defaults to all.

    Returns:
        tensors (batch_size, N) in double precision by the metric's name.

    Raises:
        BadInputError: when a metric is unknown, or images cannot be measured, see `check_decomposed`.
    """
    check_names(metrics, DECOMPOSITION_METRICS)
    return {name: DECOMPOSITION_METRICS[name](decomposed, sources) for name in metrics}


def check_names(metrics: Sequence[str], known: Mapping[str, Callable]) -> None:
    """Raise for unknown metric names.

    Raises:
        BadInputError: naming the known metrics.
    """
    unknown = [name for name in metrics if name not in known]
    if unknown:
        raise BadInputError(f"Unknown metric {', '.join(unknown)}. Known metrics: {', '.join(known)}.")
