"""Read NaN outside the head, as written by masking programs, as background; NaN within the head is an error."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from monai.data import MetaTensor
from scipy.ndimage import label


def fill_background(volume: MetaTensor, file: str, source: str = "") -> MetaTensor:
    """Replace NaN that is background.

    NaN is background if every NaN voxel is connected to the border of the volume through face-adjacent NaN voxels. If
    finite values enclose any of them, nothing is replaced and later checks reject the volume, as they do if nothing is
    finite, or for Inf. Background becomes 0, or the lowest value of the volume if that is lower.

    Args:
        volume: [X, Y, Z].
        file: where it was read, for the warning.
        source: name of the source, for the warning. Defaults to "".

    Returns:
        the volume itself, or a copy without NaN, after a warning.
    """
    values = np.asarray(volume.as_tensor() if isinstance(volume, MetaTensor) else volume)
    missing = np.isnan(values)
    if not missing.any() or missing.all() or np.isinf(values).any() or not _is_outside(missing):
        return volume
    background = min(0.0, float(np.nanmin(values)))
    count = int(missing.sum())
    named = f"{file} ({source})" if source else file
    warnings.warn(
        f"{named} contains NaN in {count} of {missing.size} voxels, all outside the head. They are read as background "
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
