"""The methods of the paper's Table 1, the network as its authors published it, and the upper end of any score."""

from __future__ import annotations

from .ceiling import Ceiling
from .ddfm import DDFM
from .deepfuse import DeepFuse
from .diffusion_prior import DiffusionPrior
from .funfusean import FunFuseAn
from .fuser import Fuser
from .fusion_em import FusionEM
from .fusion_inferer import FusionInferer
from .half_unet import HalfUNet
from .noise_prediction import NoisePredictionInferer
from .noise_prediction_loss import NoisePredictionLoss
from .published import PublishedFusionINN
from .unet import UNet, UNetPlusPlus
from .unet3_plus import UNet3Plus

__all__ = [
    "DDFM",
    "Ceiling",
    "DeepFuse",
    "DiffusionPrior",
    "FunFuseAn",
    "Fuser",
    "FusionEM",
    "FusionInferer",
    "HalfUNet",
    "NoisePredictionInferer",
    "NoisePredictionLoss",
    "PublishedFusionINN",
    "UNet",
    "UNet3Plus",
    "UNetPlusPlus",
]
