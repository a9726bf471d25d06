"""NaN outside the head, as masking programs leave it, is background; NaN within the head is damage."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from monai.data import MetaTensor
from scipy.ndimage import label


def fill_background(volume: MetaTensor, file: str, source: str = "") -> MetaTensor:
    """Replace NaN that is background.

    NaN counts as background where it forms the outside of the image: every NaN voxel is connected with the border of
    the volume through NaN voxels that share a face. As soon as one is enclosed by finite values, nothing is replaced,
    and the checks that follow refuse the volume; so they do where nothing is finite, and for Inf. Background becomes 0,
    or the lowest value of the volume where that is lower.

    Args:
        volume: [X, Y, Z].
        file: where it was read, for the warning.
        source: name of the source, for the warning. Defaults to "".

    Returns:
        the volume itself, or a copy without NaN, of which a warning tells.
    """
    values = np.asarray(volume.as_tensor() if isinstance(volume, MetaTensor) else volume)
    missing = np.isnan(values)
    if not missing.any() or missing.all() or np.isinf(values).any() or not _is_outside(missing):
        return volume
    background = min(0.0, float(np.nanmin(values)))
    count = int(missing.sum())
    told = f"{file} ({source})" if source else file
    warnings.warn(
        f"{told} holds NaN in {count} of {missing.size} voxels, all outside the head. They are read as background "
        f"({background:g}).",
        stacklevel=3,
    )
    filled = volume.clone()
    filled[torch.from_numpy(missing)] = background
    return filled


def _is_outside(missing: np.ndarray) -> bool:
    regions, _ = label(missing)
    faces = [np.take(regions, end, axis) for axis in range(missing.ndim) for end in (0, -1) if missing.shape[axis] > 1]
    on_border = np.unique(np.concatenate([face.ravel() for face in faces])) if faces else np.array([])
    return bool(np.isin(regions[missing], on_border).all())
