"""Prepare a batch for an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from scripts.transforms.rand_foreign_contrast import USUAL


def sources_as_target(
    batch: Mapping[str, Any],
    device: torch.device | str | None = None,
    non_blocking: bool = False,
    **kwargs: Any,
) -> tuple[torch.Tensor, torch.Tensor] | tuple[torch.Tensor, torch.Tensor, tuple[()], dict[str, torch.Tensor]]:
    """Use the sources as input and as target: fusion has no ground truth.

    Args:
        batch: "image" of shape (batch_size, N, H, W); optional "usual" of shape (batch_size,), see
            `RandForeignContrastd`.
        device: where the network is.
        non_blocking: see `torch.Tensor.to`.
        kwargs: further arguments of `torch.Tensor.to`.

    Returns:
        the sources, twice; with "usual" also the arguments of the inferer, positional and by name.
    """
    image = batch["image"].to(device=device, non_blocking=non_blocking, **kwargs)
    if image.dim() == 4:
        image = image.contiguous(memory_format=torch.channels_last)
    if USUAL not in batch:
        return image, image
    return image, image, (), {USUAL: batch[USUAL].to(device=image.device, non_blocking=non_blocking)}
