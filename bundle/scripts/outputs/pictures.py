"""Write grey or colour PNG pictures with their description and sidecar embedded."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from scripts import RESEARCH_NOTICE, __version__
from scripts.data.errors import BadInputError
from scripts.data.strict_json import parse_json
from scripts.outputs.levels import unit_levels
from scripts.outputs.sidecar import check_sidecar, is_sidecar, read_sidecar, sidecar_of
from scripts.outputs.writing import result_file

FUSED_ENDING = "_fused.png"
OWN_ENDINGS = (FUSED_ENDING, "_estimate.png", "_overview.png")
"""Endings of results' names; such files are never read as sources."""

SIDECAR_CHUNK = "FusionINN"
"""Name of the PNG text chunk with a copy of the sidecar."""

GREY_TYPES = {8: "uint8", 16: "uint16"}


def grey_levels(luminance: np.ndarray, bits: int) -> np.ndarray:
    """Round a grey picture to integer levels.

    Args:
        luminance: [H, W]; clipped to [0, 1].
        bits: 8 or 16.

    Returns:
        [H, W] uint8 or uint16.
    """
    return unit_levels(luminance, 2**bits - 1).astype(GREY_TYPES[bits])


def save_picture(
    path: str | os.PathLike[str], levels: np.ndarray, description: str, sidecar: Mapping[str, Any] | None = None
) -> None:
    """Write a PNG picture atomically.

    Its text states what it shows and that it is for research only.

    Args:
        path: file to write; its folder is created.
        levels: [H, W] uint8 or uint16 for grey, [H, W, 3] uint8 for colour.
        description: what the picture shows.
        sidecar: content of the sidecar, for a fused picture. Defaults to None.

    Raises:
        BadInputError: the file cannot be written.
        ValueError: levels of another type or shape.
    """
    grey = levels.ndim == 2 and levels.dtype in (np.uint8, np.uint16)
    colour = levels.ndim == 3 and levels.shape[2] == 3 and levels.dtype == np.uint8
    if not (grey or colour):
        raise ValueError(
            f"a picture must be [H, W] in 8 or 16 bits or [H, W, 3] in 8 bits, got {levels.shape} {levels.dtype}."
        )
    text = PngInfo()
    text.add_itxt("Description", description)
    text.add_itxt("Disclaimer", RESEARCH_NOTICE)
    text.add_itxt("Software", f"FusionINN MONAI bundle {__version__}")
    if sidecar is not None:
        text.add_itxt(SIDECAR_CHUNK, json.dumps(sidecar, ensure_ascii=False, allow_nan=False), zip=True)
    with result_file(path, suffix=".png") as temporary:
        Image.fromarray(np.ascontiguousarray(levels)).save(temporary, format="PNG", pnginfo=text)


def picture_name(path: str | os.PathLike[str]) -> str | None:
    """Return the name of a fused picture, or None for any other file name."""
    name = Path(path).name
    return name[: -len(FUSED_ENDING)] if name.lower().endswith(FUSED_ENDING) and not name.startswith(".") else None


def picture_sidecar(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the sidecar of a fused picture, from its embedded text or, if that was lost, from the JSON file.

    Args:
        path: fused picture.

    Raises:
        BadInputError: both are missing, or they belong to different fusions.
    """
    text = _own_text(path)
    beside = sidecar_of(path)
    if text is None:
        if not beside.is_file():
            raise BadInputError(
                f"{path} does not contain its record, without which it cannot be decomposed, and {beside.name} is not "
                "next to it. Either it was not fused by this bundle, or another program has rewritten it. Give the "
                f"original picture or put {beside.name} next to it."
            )
        return read_sidecar(beside, picture=True)
    where = f'the text "{SIDECAR_CHUNK}" in {path}'
    content = check_sidecar(where, parse_json(text, where, "Copy the picture again, or fuse again."), picture=True)
    if is_sidecar(beside) and read_sidecar(beside, picture=True).get("FusionID") != content.get("FusionID"):
        raise BadInputError(
            f"{path} and {beside.name} next to it belong to different fusions. Keep those that were written together; "
            "the picture alone is sufficient."
        )
    return content


def has_sidecar(path: str | os.PathLike[str]) -> bool:
    """Whether a picture has a sidecar of this bundle, embedded or next to it."""
    return _own_text(path) is not None or is_sidecar(sidecar_of(path))


def _own_text(path: str | os.PathLike[str]) -> str | None:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            return image.text.get(SIDECAR_CHUNK)
    except UnidentifiedImageError:
        return None
