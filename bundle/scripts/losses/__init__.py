"""Losses of the paper's section 2.3, their terms, and the losses of other methods."""

from __future__ import annotations

from .fusion_loss import FusionLoss
from .fusioninn_loss import FusionINNLoss
from .mmd import MMDLoss
from .squared_l2 import squared_l2
from .ssim import SSIM

__all__ = ["SSIM", "FusionINNLoss", "FusionLoss", "MMDLoss", "squared_l2"]
