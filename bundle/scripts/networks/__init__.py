"""The invertible network, and the methods that it is compared with."""

from __future__ import annotations

from .ceiling import Ceiling
from .deepfuse import DeepFuse
from .funfusean import FunFuseAn
from .fuser import Fuser
from .fusioninn import FusionINN
from .half_unet import HalfUNet
from .latent import LATENT_KINDS, draw_latent
from .pixelwise import MaxFusion, MeanFusion
from .unet import UNet, UNetPlusPlus
from .unet3_plus import UNet3Plus

__all__ = [
    "LATENT_KINDS",
    "Ceiling",
    "DeepFuse",
    "FunFuseAn",
    "Fuser",
    "FusionINN",
    "HalfUNet",
    "MaxFusion",
    "MeanFusion",
    "UNet",
    "UNet3Plus",
    "UNetPlusPlus",
    "draw_latent",
]
