"""Statistics of a pair of slices without the network."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from scipy.stats import rankdata

from .displacement import displacement

RIM = 0.12
"""Depth of the brain's border, as a share of the largest depth."""


def picture_statistics(image: torch.Tensor, brain: torch.Tensor) -> dict[str, np.ndarray]:
    """Compute statistics of two sources inside the brain.

    All but the skew use the ranks of intensities inside the brain, which do not change with monotonic changes of
    contrast or single bright vessels.

    Args:
        image: slices (B, 2, H, W).
        brain: bool (B, 1, H, W).

    Returns:
        arrays (B,) by name: "rank_correlation" of the sources; "depth_1", "depth_2": correlation of a source's ranks
        with the distance from the brain's border (white matter is deep); "rim_1", "rim_2": mean rank at the border;
        "edges": correlation of the sources' gradient magnitudes; "texture_1", "texture_2": mean gradient magnitude of
        the ranks; "skew_1", "skew_2": position of the median between the 1st and 99th percentile; "overlap" of the
        areas where the sources are not black (Jaccard); "displacement" of their edges, in pixels.
    """
    pages = [_of_page(*page) for page in zip(image.cpu().numpy(), brain.cpu().numpy()[:, 0], strict=True)]
    return {name: np.array([page[name] for page in pages]) for name in pages[0]}


def _of_page(sources: np.ndarray, brain: np.ndarray) -> dict[str, float]:
    depth = ndimage.distance_transform_edt(np.pad(brain, 1))[1:-1, 1:-1]
    rim = (depth <= max(RIM * depth.max(), 1.0)) & brain
    inner = ndimage.binary_erosion(brain, iterations=2)
    values, slopes = {}, []
    ranks = np.zeros_like(sources, dtype=np.float64)
    for i, source in enumerate(sources):
        ranks[i][brain] = rankdata(source[brain]) / brain.sum()
        slope = np.hypot(*(ndimage.sobel(ranks[i], axis=axis) for axis in (0, 1)))
        slopes.append(slope)
        low, middle, high = np.percentile(source[brain], (1, 50, 99))
        values |= {
            f"depth_{i + 1}": _correlation(ranks[i][brain], depth[brain]),
            f"rim_{i + 1}": float(ranks[i][rim].mean()),
            f"texture_{i + 1}": float(slope[inner].mean()) if inner.any() else 0.0,
            f"skew_{i + 1}": float((middle - low) / max(high - low, 1e-6)),
        }
    first, second = sources > 0
    values["rank_correlation"] = _correlation(ranks[0][brain], ranks[1][brain])
    values["edges"] = _correlation(slopes[0][inner], slopes[1][inner])
    values["displacement"] = displacement(*slopes, inner)
    values["overlap"] = float((first & second).sum() / max((first | second).sum(), 1))
    return values


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Pearson's correlation; 0 if either array is constant."""
    if one.size < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
