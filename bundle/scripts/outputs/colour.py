"""Add colour to a picture without changing its luminance, which is what is decomposed."""

from __future__ import annotations

from itertools import product

import numpy as np

from scripts.data.colour import BLUE, GREEN, RED, to_rgb

_HIGHEST = 255


def colour_at(luminance: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return a colour picture of a given luminance, with as much chroma as that luminance allows.

    Pure blue is dark and pure yellow is bright: a chroma that is impossible at the luminance is moved towards grey as
    far as needed. Luminance and hue are preserved.

    Args:
        luminance: [H, W] in [0, 1].
        chroma: [2, H, W], Cb and Cr of BT.601 in [-0.5, 0.5].

    Returns:
        [H, W, 3] in [0, 1].
    """
    luminance = np.clip(np.asarray(luminance, dtype=np.float64), 0.0, 1.0)[..., None]
    away = to_rgb(np.zeros_like(luminance[..., 0]), np.asarray(chroma, dtype=np.float64)).astype(np.float64)
    room = np.where(away > 0, 1.0 - luminance, luminance)
    share = np.divide(room, np.abs(away), out=np.ones_like(away), where=np.abs(away) > room)
    return np.clip(luminance + share.min(axis=-1, keepdims=True) * away, 0.0, 1.0)


def colour_levels(luminance: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return a colour picture in 8 bits per channel, rounded to the nearest possible luminance.

    Rounding each channel separately changes the luminance by up to half a level. The best of the 27 colours within one
    level is many times closer, so three 8-bit channels store luminance more precisely than a single one.

    Args:
        luminance: [H, W] in [0, 1].
        chroma: [2, H, W], Cb and Cr of BT.601 in [-0.5, 0.5].

    Returns:
        [H, W, 3] uint8.
    """
    wanted = colour_at(luminance, chroma) * _HIGHEST
    target = np.clip(np.asarray(luminance, dtype=np.float64), 0.0, 1.0) * _HIGHEST
    rounded = np.rint(wanted)
    best, least = rounded, np.full(target.shape, np.inf)
    for step in product((0, -1, 1), repeat=3):
        candidate = np.clip(rounded + step, 0, _HIGHEST)
        error = np.abs(candidate @ (RED, GREEN, BLUE) - target)
        # Break ties by the nearest colour.
        error += 1e-6 * np.abs(candidate - wanted).sum(axis=-1)
        better = error < least
        best, least = np.where(better[..., None], candidate, best), np.where(better, error, least)
    return best.astype(np.uint8)
