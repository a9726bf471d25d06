"""The invertible network, and the methods that it is compared with."""

from __future__ import annotations

from .ceiling import Ceiling
from .ddfm import DDFM
from .deepfuse import DeepFuse
from .funfusean import FunFuseAn
from .fuser import Fuser
from .fusioninn import FusionINN
from .half_unet import HalfUNet
from .pixelwise import MaxFusion, MeanFusion
from .published import PublishedFusionINN
from .unet import UNet, UNetPlusPlus
from .unet3_plus import UNet3Plus

__all__ = [
    "DDFM",
    "Ceiling",
    "DeepFuse",
    "FunFuseAn",
    "Fuser",
    "FusionINN",
    "HalfUNet",
    "MaxFusion",
    "MeanFusion",
    "PublishedFusionINN",
    "UNet",
    "UNet3Plus",
    "UNetPlusPlus",
]
