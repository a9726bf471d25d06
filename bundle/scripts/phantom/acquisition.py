from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from .grid import Grid
from .noise import smooth_noise


def thick_slices(volume: np.ndarray, factor: int) -> np.ndarray:
    """Average `factor` layers along the last axis to one slice, weighted towards the middle (slice profile)."""
    if factor == 1:
        return volume
    layers = volume.reshape(*volume.shape[:2], -1, factor)
    profile = np.exp(-0.5 * ((np.arange(factor) - (factor - 1) / 2.0) / (0.30 * factor)) ** 2)
    return layers @ (profile / profile.sum()).astype(np.float32)


def point_spread(volume: np.ndarray, sigma: float) -> np.ndarray:
    """Blur in plane by a Gaussian of `sigma` voxels."""
    return gaussian_filter(volume, (sigma, sigma, 0.0))


def bias_field(rng: np.random.Generator, grid: Grid, strength: float) -> np.ndarray:
    """Smooth receive field left after correction: mean about 1, relative standard deviation `strength`."""
    return np.exp(strength * smooth_noise(rng, grid, 45.0)).astype(np.float32)


def rician_noise(rng: np.random.Generator, volume: np.ndarray, sigma: float) -> np.ndarray:
    """Magnitude of the signal with complex Gaussian noise of `sigma` in each channel, as a scanner stores it.

    Neighbours in a slice are slightly correlated, as after interpolation.
    """
    real, imaginary = (gaussian_filter(rng.standard_normal(volume.shape, np.float32), (0.5, 0.5, 0)) for _ in range(2))
    scale = np.float32(sigma) / real.std()
    return np.hypot(volume + scale * real, scale * imaginary)
