"""Convert colour to luminance and chroma (ITU-R BT.601, full range as in JPEG) and back."""

from __future__ import annotations

import numpy as np

RED, GREEN, BLUE = 0.299, 0.587, 0.114
"""Share of each channel in the luminance."""


def luminance_and_chroma(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split a colour picture into luminance, which is fused, and chroma, which is kept.

    Args:
        rgb: [H, W, 3] in [0, 1].

    Returns:
        luminance [H, W] float32 in [0, 1], and chroma [2, H, W] float32: Cb and Cr, both in
        [-0.5, 0.5] and 0 where the picture is grey.
    """
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    luminance = RED * red + GREEN * green + BLUE * blue
    chroma = np.stack([(blue - luminance) / (2 - 2 * BLUE), (red - luminance) / (2 - 2 * RED)])
    return luminance.clip(0.0, 1.0).astype(np.float32), chroma.astype(np.float32)


def to_rgb(luminance: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Combine luminance and chroma; inverse of `luminance_and_chroma`.

    Args:
        luminance: [H, W] in [0, 1].
        chroma: [2, H, W], Cb and Cr.

    Returns:
        [H, W, 3] float32, not clipped. Values leave [0, 1] where the luminance differs from the one the chroma belongs
        to.
    """
    y = luminance.astype(np.float64)
    blue = y + (2 - 2 * BLUE) * chroma[0]
    red = y + (2 - 2 * RED) * chroma[1]
    green = (y - RED * red - BLUE * blue) / GREEN
    return np.stack([red, green, blue], axis=-1).astype(np.float32)
