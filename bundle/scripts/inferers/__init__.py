"""How a network is applied: in training, and on a volume."""

from __future__ import annotations

from .bidirectional import BidirectionalInferer
from .slicewise import decompose_volume, fuse_volume, restore_volume

__all__ = [
    "BidirectionalInferer",
    "decompose_volume",
    "fuse_volume",
    "restore_volume",
]
