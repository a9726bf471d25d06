"""What a batch is for an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def sources_as_target(
    batch: Mapping[str, Any],
    device: torch.device | str | None = None,
    non_blocking: bool = False,
    **kwargs: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The sources are both what goes in and what the loss compares with: there is no ground truth for fusion.

    Args:
        batch: "image" of shape (batch_size, N, H, W).
        device: where the network is.
        non_blocking: see `torch.Tensor.to`.
        kwargs: further arguments of `torch.Tensor.to`.

    Returns:
        the sources, twice.
    """
    image = batch["image"].to(device=device, non_blocking=non_blocking, **kwargs)
    if image.dim() == 4:
        image = image.contiguous(memory_format=torch.channels_last)
    return image, image
