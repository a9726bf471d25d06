"""Read PNG, JPEG, TIFF and BMP pictures, grey or colour, 8 or 16 bits."""

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
"""Supported formats, by file extension."""

ENDINGS = ", ".join(FORMATS)

_BIT_DEPTH = 24
"""Offset of the bit depth in a PNG file: signature 8, length and name of the first chunk 8, width 4, height 4."""
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
"""Tags of TIFF, and the value for grey that runs from white to black."""


class Picture(NamedTuple):
    """A picture as luminance and chroma.

    Attributes:
        luminance: [H, W] float32 in [0, 1], rows from the top.
        chroma: [2, H, W] float32, Cb and Cr in [-0.5, 0.5], 0 where grey; None for a grey picture.
        bits: bits of the grey value, 8 or 16; fewer bits are widened to 8.
    """

    luminance: np.ndarray
    chroma: np.ndarray | None
    bits: int


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a supported picture (`FORMATS`, any case) that is not hidden."""
    name = os.path.basename(os.fspath(path))
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in FORMATS


def format_of(path: str | os.PathLike[str]) -> str:
    """Return the format of a picture by its extension; PNG if the extension is unknown."""
    return FORMATS.get(os.path.splitext(os.fspath(path))[1].lower(), "PNG")


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a PNG, JPEG, TIFF or BMP file.

    Grey pictures of 1 to 16 bits are read unchanged, palettes are converted to their colours. A colour picture whose
    channels are equal everywhere is grey. Transparent pixels are blended with black, with a warning. Colours of 16 bits
    are reduced to 8, with a warning. Gamma and colour profiles are not applied. JPEG and TIFF pictures are rotated by
    their orientation tag.

    Args:
        path: file with an extension of `FORMATS`; any other file must be PNG.

    Returns:
        luminance [H, W], chroma [2, H, W] or None, and the bits of the grey value.

    Raises:
        BadInputError: the file does not exist, is damaged, has another format, holds several pictures, or its grey
            values are not integers of 1 to 16 bits.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise BadInputError(f"{file} does not exist or is not a file. Give the path of a picture ({ENDINGS}).")
    kind = format_of(file)
    try:
        with warnings.catch_warnings():
            # Pillow warns at half the size at which it raises.
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
            f"{file} cannot be read as {kind}: it is empty, truncated or in another format ({error}). Copy it again, "
            "or convert it."
        ) from error


def _bits(image: Image.Image, file: Path, kind: str) -> int:
    """Return the stored bits per sample."""
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
    """Whether 16-bit grey runs from white to black, which Pillow inverts for 8 bits only."""
    return kind == "TIFF" and image.mode.startswith("I;16") and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # type: ignore[attr-defined]


def _taken_apart(image: Image.Image, file: Path, bits: int, inverted: bool) -> Picture:
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.float64) / 65535
        return Picture((1 - levels if inverted else levels).astype(np.float32), None, 16)
    if bits == 16:
        warnings.warn(f"{file} has 16 bits per channel with colour or transparency; it is read with 8.", stacklevel=3)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        opacity = rgba[..., 3:].astype(np.float64) / 255
        if opacity.min() < 1:
            warnings.warn(f"{file} has transparent pixels; they are blended with black.", stacklevel=3)
        levels = rgba[..., :3] * opacity
    else:
        levels = np.asarray(image.convert("RGB")).astype(np.float64)
    if (levels == levels[..., :1]).all():
        return Picture((levels[..., 0] / 255).astype(np.float32), None, 8)
    return Picture(*luminance_and_chroma(levels / 255), 8)
