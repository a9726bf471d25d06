"""Colour over a luminance that must not change: what is decomposed is the luminance."""

from __future__ import annotations

from itertools import product

import numpy as np

from scripts.data.colour import BLUE, GREEN, RED, to_rgb

_HIGHEST = 255


def colour_at(luminance: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Colour picture of a given luminance, with as much of the chroma as there is at that luminance.

    A pure blue is dark, a pure yellow bright: a chroma that no colour of the luminance has is moved towards grey, just
    as far as needed. Luminance and hue stay.

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
    """Colour picture in 8 bits a channel, rounded so that its luminance is the nearest there is.

    Rounding each channel by itself moves the luminance by up to half a level. Among the 27 colours within a level of
    that, one comes many times nearer, so that three channels of 8 bits hold a luminance finer than one of 8 bits does.

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
        # Of equally near ones the one of the nearer colour.
        error += 1e-6 * np.abs(candidate - wanted).sum(axis=-1)
        better = error < least
        best, least = np.where(better[..., None], candidate, best), np.where(better, error, least)
    return best.astype(np.uint8)
