"""Inferers: apply a network to a batch in training, or to a whole volume."""

from __future__ import annotations

from .bidirectional import BidirectionalInferer
from .slicewise import decompose_volume, fuse_volume, restore_volume

__all__ = [
    "BidirectionalInferer",
    "decompose_volume",
    "fuse_volume",
    "restore_volume",
]
