"""How the network is applied: both directions in training, slice by slice on a volume."""

from __future__ import annotations

from .bidirectional import BidirectionalInferer
from .fusion import FusionInferer
from .slicewise import decompose_volume, fuse_volume, restore_volume

__all__ = ["BidirectionalInferer", "FusionInferer", "decompose_volume", "fuse_volume", "restore_volume"]
