"""The two ways in which Q_XY and Q_P are computed."""

from __future__ import annotations

import torch

from scripts.data.errors import BadInputError

VARIANTS = ("full", "centre")


def check_variant(variant: str) -> None:
    """Raise for an unknown variant.

    Raises:
        BadInputError: naming the known variants.
    """
    if variant not in VARIANTS:
        raise BadInputError(f"variant must be one of {', '.join(VARIANTS)}, got '{variant}'.")


def central(image: torch.Tensor, reach: int) -> torch.Tensor:
    """Pixels around the centre, `reach` to each side of (H // 2, W // 2); outside the image they are 0.

    Args:
        image: tensor (batch_size, channels, H, W).
        reach: pixels to each side.

    Returns:
        tensor (batch_size, channels, 2 * reach + 1, 2 * reach + 1).
    """
    padded = torch.nn.functional.pad(image, (reach,) * 4)
    row, column = image.shape[-2] // 2, image.shape[-1] // 2
    return padded[..., row : row + 2 * reach + 1, column : column + 2 * reach + 1]
