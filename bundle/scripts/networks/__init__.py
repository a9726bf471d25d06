"""The invertible network, and the mean and the maximum of the sources to compare it with."""

from __future__ import annotations

from .fusioninn import FusionINN
from .pixelwise import MaxFusion, MeanFusion

__all__ = ["FusionINN", "MaxFusion", "MeanFusion"]
