"""Draw a skull and scalp around a stripped brain."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter

from scripts.phantom.acquisition import rician_noise

LAYERS = ((2.5, 0.30), (8.0, 0.08), (14.0, 1.25), (15.5, 0.5))
"""Layers from inside: outer distance from the brain in mm, and brightness relative to it: fluid, bone, fat, skin."""


def add_skull(
    brain: np.ndarray, spacing: tuple[float, float, float], *, noise: float = 0.03, seed: int = 0
) -> np.ndarray:
    """Draw fluid, bone, fat and skin around a stripped brain, and the noise of the air.

    Args:
        brain: [X, Y, Z], exactly 0 outside.
        spacing: of its voxels, mm.
        noise: standard deviation relative to the brain. Defaults to 0.03; 0 leaves the air exactly 0.
        seed: of the noise. Defaults to 0.

    Returns:
        float32 [X, Y, Z]; inside the brain `brain` and noise.
    """
    inside = binary_fill_holes(brain > 0)
    level = float(np.median(brain[brain > 0]))
    distance = distance_transform_edt(~inside, sampling=spacing)
    head = np.zeros(brain.shape, dtype=np.float32)
    for outer, share in reversed(LAYERS):
        head[distance <= outer] = share * level
    head = gaussian_filter(head, [0.6 / step for step in spacing])
    head[distance > LAYERS[-1][0] + 1.0] = 0.0
    head[inside] = brain[inside]
    return rician_noise(np.random.default_rng(seed), head, noise * level).astype(np.float32) if noise else head
