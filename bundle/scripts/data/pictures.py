"""Read PNG pictures: grey or colour, 8 or 16 bits."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from .colour import luminance_and_chroma
from .errors import BadInputError

_BIT_DEPTH = 24
"""Place of the bit depth in a PNG file: signature 8, length and name of the first chunk 8, width 4, height 4."""


class Picture(NamedTuple):
    """A picture, its colour kept apart.

    Attributes:
        luminance: [H, W] float32 in [0, 1], rows from the top.
        chroma: [2, H, W] float32, Cb and Cr in [-0.5, 0.5], 0 where grey; None for a grey picture.
        bits: bits of the grey value, 8 or 16; what is stored with fewer is widened to 8.
    """

    luminance: np.ndarray
    chroma: np.ndarray | None
    bits: int


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a PNG file (`.png`, any case) and not a hidden one."""
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and name.lower().endswith(".png")


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a PNG file.

    Grey pictures of 1 to 16 bits are read as they are, palettes by their colours. A colour picture whose channels are
    equal everywhere is grey. Transparent pixels are laid over black, with a warning where there are any. Colours of 16
    bits are read with 8, with a warning. Gamma and colour profiles are not applied: the numbers in the file count.

    Args:
        path: PNG file.

    Returns:
        luminance [H, W], chroma [2, H, W] or None, and the bits of the grey value.

    Raises:
        BadInputError: there is no such file, it is no whole PNG, or it is an animation.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise BadInputError(f"{file} does not exist or is no file. Give the path of a PNG picture.")
    try:
        with warnings.catch_warnings():
            # Told at half the size that is refused.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=["PNG"]) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise BadInputError(f"{file} is an animation of {image.n_frames} frames. Save each as a picture.")
                image.load()
                return _taken_apart(image, file)
    except BadInputError:
        raise
    except PermissionError as error:
        raise BadInputError(f"{file} may not be read. Change its permissions.") from error
    except Image.DecompressionBombError as error:
        raise BadInputError(f"{file} is too large to be a medical image ({error}). Cut it into parts.") from error
    except Exception as error:  # Pillow raises anything from OSError to SyntaxError
        raise BadInputError(
            f"{file} cannot be read as PNG; it is empty, cut short or of another format ({error}). Copy it again, or "
            "convert it."
        ) from error


def _taken_apart(image: Image.Image, file: Path) -> Picture:
    depth = file.read_bytes()[_BIT_DEPTH] if image.mode not in ("I;16", "I") else 8
    if image.mode.startswith("I"):
        return Picture((np.asarray(image).astype(np.float64) / 65535).astype(np.float32), None, 16)
    if depth == 16:
        warnings.warn(
            f"{file} has 16 bits per channel beside colour or transparency; they are read as 8.", stacklevel=3
        )
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        opacity = rgba[..., 3:].astype(np.float64) / 255
        if opacity.min() < 1:
            warnings.warn(f"{file} has transparent pixels; they are laid over black.", stacklevel=3)
        levels = rgba[..., :3] * opacity
    else:
        levels = np.asarray(image.convert("RGB")).astype(np.float64)
    if (levels == levels[..., :1]).all():
        return Picture((levels[..., 0] / 255).astype(np.float32), None, 8)
    return Picture(*luminance_and_chroma(levels / 255), 8)
