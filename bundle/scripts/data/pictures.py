"""Read pictures, PNG, JPEG, TIFF or BMP: grey or colour, 8 or 16 bits."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from .colour import luminance_and_chroma
from .errors import BadInputError

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
"""Formats that are read, by the end of the name."""

ENDINGS = ", ".join(FORMATS)

_BIT_DEPTH = 24
"""Place of the bit depth in a PNG file: signature 8, length and name of the first chunk 8, width 4, height 4."""
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
"""Tags of TIFF, and the value for grey that runs from white to black."""


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
    """Whether the name is that of a picture that is read (`FORMATS`, any case) and not a hidden file."""
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in FORMATS


def format_of(path: str | os.PathLike[str]) -> str:
    """Return the format that a picture has by its name; PNG where the name does not say it."""
    return FORMATS.get(os.path.splitext(os.fspath(path))[1].lower(), "PNG")


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a PNG, JPEG, TIFF or BMP file.

    Grey pictures of 1 to 16 bits are read as they are, palettes by their colours. A colour picture whose channels are
    equal everywhere is grey. Transparent pixels are laid over black, with a warning where there are any. Colours of 16
    bits are read with 8, with a warning. Gamma and colour profiles are not applied: the numbers in the file count. JPEG
    and TIFF pictures are turned as their orientation says.

    Args:
        path: file with one of the endings of `FORMATS`; one of another name must be PNG.

    Returns:
        luminance [H, W], chroma [2, H, W] or None, and the bits of the grey value.

    Raises:
        BadInputError: there is no such file, it is damaged or of another format, it holds several pictures, or grey
            values that are not whole numbers of 1 to 16 bits.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise BadInputError(f"{file} does not exist or is not a file. Give the path of a picture ({ENDINGS}).")
    kind = format_of(file)
    try:
        with warnings.catch_warnings():
            # Pillow warns at half the size that it refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=[kind]) as image:
                frames = getattr(image, "n_frames", 1)
                if frames > 1:
                    what = f"an animation of {frames} frames" if kind == "PNG" else f"a file of {frames} pages"
                    raise BadInputError(f"{file} is {what}. Save each as a picture.")
                image.load()
                upright = image if kind == "PNG" else ImageOps.exif_transpose(image)
                return _taken_apart(upright, file, _bits(image, file, kind), _is_inverted(image, kind))
    except BadInputError:
        raise
    except PermissionError as error:
        raise BadInputError(f"{file} may not be read. Change its permissions.") from error
    except Image.DecompressionBombError as error:
        raise BadInputError(f"{file} is too large to be a medical image ({error}). Cut it into parts.") from error
    except Exception as error:  # Pillow raises anything from OSError to SyntaxError
        raise BadInputError(
            f"{file} cannot be read as {kind}; it is empty, cut short or of another format ({error}). Copy it again, "
            "or convert it."
        ) from error


def _bits(image: Image.Image, file: Path, kind: str) -> int:
    """Bits of a sample as they are stored."""
    if kind == "PNG":
        with file.open("rb") as stream:
            return stream.read(_BIT_DEPTH + 1)[_BIT_DEPTH]
    if kind != "TIFF":
        return 8
    bits = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))  # type: ignore[attr-defined]
    if image.mode == "F" or (image.mode.startswith("I") and image.mode not in ("I;16", "I;16B", "I;16L")):
        raise BadInputError(
            f"{file} holds floating-point, signed or {max(bits)}-bit grey values, whose range is unknown. Save it as "
            "grey of 8 or 16 bits, or as a NIfTI volume."
        )
    return max(bits)


def _is_inverted(image: Image.Image, kind: str) -> bool:
    """Whether grey of 16 bits runs from white to black, which Pillow turns for 8 bits only."""
    return kind == "TIFF" and image.mode.startswith("I;16") and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # type: ignore[attr-defined]


def _taken_apart(image: Image.Image, file: Path, bits: int, inverted: bool) -> Picture:
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.float64) / 65535
        return Picture((1 - levels if inverted else levels).astype(np.float32), None, 16)
    if bits == 16:
        warnings.warn(f"{file} has 16 bits per channel and colour or transparency; they are read as 8.", stacklevel=3)
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
