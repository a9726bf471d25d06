"""How far two colour pictures are apart, in levels and as the eye sees it."""

from __future__ import annotations

import numpy as np

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""Linear sRGB to CIE XYZ (IEC 61966-2-1)."""

WHITE = TO_XYZ.sum(axis=1)
"""CIE XYZ of white."""


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB colours.

    Args:
        rgb: [..., 3] in [0, 1].

    Returns:
        [..., 3]: L* in [0, 100], a* and b*.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    share = linear @ TO_XYZ.T / WHITE
    x, y, z = np.moveaxis(np.where(share > (6 / 29) ** 3, np.cbrt(share), share * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def level_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean absolute difference of red, green and blue in levels of 255, at every pixel of pictures [H, W, 3]."""
    return 255 * np.abs(one - other).mean(axis=-1)


def seen_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Colour difference ΔE*ab (CIE 1976) at every pixel of pictures [H, W, 3]; 2.3 is just noticeable."""
    return np.linalg.norm(lab(one) - lab(other), axis=-1)
