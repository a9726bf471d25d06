"""What happens to a fused image between the network that made it and the one that takes it apart."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, features

from scripts.data.errors import BadInputError
from scripts.outputs.levels import LEVELS, as_stored

SHIFT = 0.02
"""Change of intensity: a share of each value as a gain, a share of the range as an offset."""

SIGMA = 1 / 255
"""Standard deviation of the noise: one step of 8 bits."""

DISTURBANCES = {
    "bits16": "16 bits",
    "jpeg2000": "JPEG-2000 lossless, written and read",
    "gain_up": f"gain of +{SHIFT:.0%}",
    "gain_down": f"gain of −{SHIFT:.0%}",
    "offset_up": f"offset of +{SHIFT:.0%} of the range inside the object",
    "offset_down": f"offset of −{SHIFT:.0%} of the range inside the object",
    "noise8": "noise of σ = 1/255, stored again with 8 bits",
    "noise": "noise of σ = 1/255, neither rounded nor cut off",
}
"""Disturbances in words, by their short names."""


def disturbed(
    fused: torch.Tensor, inside: torch.Tensor, noise: torch.Tensor, shift: float = SHIFT, sigma: float = SIGMA
) -> Iterator[tuple[str, torch.Tensor]]:
    """Disturb fused images that are stored with 8 bits, unless the disturbance says otherwise.

    Args:
        fused: fused slices of shape (S, 1, H, W) as the network gives them.
        inside: mask (S, 1, H, W) of the object, where an offset counts.
        noise: numbers drawn from N(0, 1), of the shape of `fused`.
        shift: change of intensity. Defaults to 0.02.
        sigma: standard deviation of the noise. Defaults to 1/255.

    Yields:
        short name, see `DISTURBANCES`, and what a reader of the disturbed file gets, of the shape of `fused`; in [0, 1]
        but for the noise that is not cut off.
    """
    stored = as_stored(fused, "uint8")
    yield "bits16", as_stored(fused, "uint16")
    yield "jpeg2000", through_jpeg2000(stored)
    yield "gain_up", as_stored(stored * (1 + shift), "uint8")
    yield "gain_down", as_stored(stored * (1 - shift), "uint8")
    yield "offset_up", as_stored(stored + shift * inside, "uint8")
    yield "offset_down", as_stored(stored - shift * inside, "uint8")
    noisy = stored + sigma * noise
    yield "noise8", as_stored(noisy, "uint8")
    yield "noise", noisy


def through_jpeg2000(stored: torch.Tensor, dtype: str = "uint8") -> torch.Tensor:
    """Write slices as JPEG-2000 files, losslessly, and read them again.

    Args:
        stored: slices of shape (S, 1, H, W) in [0, 1], already rounded to the levels of `dtype`.
        dtype: "uint8" or "uint16". Defaults to "uint8".

    Returns:
        what was read, of the same shape.

    Raises:
        BadInputError: when Pillow was built without JPEG-2000.
    """
    if not features.check("jpg_2000"):
        raise BadInputError(
            "This Pillow was built without JPEG-2000 (OpenJPEG). Install Pillow from its wheels, which have it."
        )
    levels = LEVELS[dtype]
    read = torch.empty_like(stored)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fused.jp2"
        for i, page in enumerate(stored[:, 0]):
            numbers = (page.double() * levels).round().cpu().numpy().astype(np.dtype(dtype))
            Image.fromarray(numbers).save(file, irreversible=False)
            with Image.open(file) as image:
                read[i, 0] = torch.from_numpy(np.array(image).astype(np.float32)).div_(levels)
    return read
