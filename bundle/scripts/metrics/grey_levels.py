"""Round images in [0, 1] to grey levels, on which all fusion metrics are defined."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from scripts.data.errors import BadInputError

WHITE = 255.0
# An 8-bit value divided by 255 in single precision comes back within 1e-5 of itself.
SNAP = 2e-5
OVERSHOOT = 1e-6
PIXELS_AT_ONCE = {"cpu": 2**18, "cuda": 2**22}


def check_images(name: str, image: torch.Tensor) -> None:
    """Check that the images are a batch in [0, 1].

    Args:
        name: what the images are called in the message.
        image: the images, (batch_size, channels, H, W).

    Raises:
        BadInputError: when the number of dimensions is not four, a dimension is empty, or values are NaN, infinite or
            outside [0, 1] by more than 1e-6.
    """
    if not isinstance(image, torch.Tensor):
        raise BadInputError(f"{name} must be a tensor (batch, channels, height, width), got {type(image).__name__}.")
    if image.dim() != 4 or image.numel() == 0:
        raise BadInputError(f"{name} must have shape (batch, channels, height, width), got {tuple(image.shape)}.")
    if image.is_complex() or image.dtype == torch.bool:
        raise BadInputError(f"{name} must hold grey values, got {image.dtype}.")
    low, high = (float(value) for value in torch.aminmax(image.detach()))
    if not (low >= -OVERSHOOT and high <= 1 + OVERSHOOT):  # also where they are NaN
        raise BadInputError(
            f"{name} must lie in [0, 1], got values from {low:g} to {high:g}. "
            "Divide 8-bit values by 255, cut off what a network gives beyond, and replace NaN."
        )


def grey_levels(
    fused: torch.Tensor, sources: torch.Tensor, window: int = 1
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Grey levels from 0 to 255 in double precision, a few images at a time: memory is bounded whatever the batch size.

    Values within 2e-5 of a whole grey level are taken to be that level, so that 8-bit images divided by 255, in single
    or double precision, are compared in exact arithmetic. Others stay between the levels.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1].
        sources: their sources (batch_size, N, H, W) in [0, 1], N >= 1.
        window: least number of pixels that a side must have. Defaults to 1.

    Yields:
        some of both, in order, on the device of `fused`.

    Raises:
        BadInputError: when the images do not belong together, are smaller than the window, or see `check_images`.
    """
    check_images("fused", fused)
    check_images("sources", sources)
    if fused.shape[1] != 1 or fused.shape[0] != sources.shape[0] or fused.shape[2:] != sources.shape[2:]:
        raise BadInputError(
            f"fused must be (B, 1, height, width) and sources (B, N, height, width) of one batch and size, "
            f"got {tuple(fused.shape)} and {tuple(sources.shape)}."
        )
    if min(fused.shape[2:]) < window:
        raise BadInputError(
            f"images of {tuple(fused.shape[2:])} pixels are smaller than the {window} x {window} window."
        )
    count = max(1, PIXELS_AT_ONCE.get(fused.device.type, PIXELS_AT_ONCE["cuda"]) // fused[0, 0].numel())
    for some_fused, some_sources in zip(fused.split(count), sources.split(count), strict=True):
        yield _levels(some_fused), _levels(some_sources.to(fused.device))


def _levels(image: torch.Tensor) -> torch.Tensor:
    level = image.detach().to(torch.float64).clamp(0.0, 1.0) * WHITE
    whole = level.round()
    return torch.where((level - whole).abs() <= SNAP, whole, level)
