"""UNet and UNet++ for fusion, from MONAI."""

from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet, BasicUNetPlusPlus
from torch import nn

from .fuser import Fuser

RELU = ("relu", {"inplace": True})


def _settings(in_channels: int, width: int) -> dict[str, object]:
    """Five levels, each of twice the channels of the one above; no bias where a batch norm follows."""
    features = (width, 2 * width, 4 * width, 8 * width, 16 * width, width)
    return {
        "spatial_dims": 2,
        "in_channels": in_channels,
        "out_channels": 1,
        "features": features,
        "act": RELU,
        "norm": "batch",
        "bias": False,
    }


class UNet(Fuser):
    """UNet (Ronneberger et al., MICCAI 2015) with batch norm, trained to fuse.

    MONAI's `BasicUNet`. It differs from the paper in that convolutions are padded, and in that the last transposed
    convolution keeps its number of channels instead of halving it.

    Args:
        in_channels: number of sources. Defaults to 2.
        width: channels at full resolution, doubled at each of four further levels. Defaults to 64.
    """

    method = "unet"

    def __init__(self, in_channels: int = 2, width: int = 64) -> None:
        super().__init__(in_channels, multiple=16)
        self.body = BasicUNet(**_settings(in_channels, width), upsample="deconv")

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """See `Fuser`."""
        return self.body(image)


class UNetPlusPlus(Fuser):
    """UNet++ (Zhou et al., DLMIA 2018) with batch norm, bilinear up-sampling and no deep supervision, trained to fuse.

    MONAI's `BasicUNetPlusPlus`. It differs from the paper in that a 1 x 1 convolution halves the channels before they
    are up-sampled (everywhere but at full resolution).

    Args:
        in_channels: number of sources. Defaults to 2.
        width: channels at full resolution, doubled at each of four further levels. Defaults to 64.
    """

    method = "unet_plus_plus"

    def __init__(self, in_channels: int = 2, width: int = 64) -> None:
        super().__init__(in_channels, multiple=16)
        self.body = BasicUNetPlusPlus(**_settings(in_channels, width), upsample="nontrainable")
        # Heads of the deep supervision: without it they would never get a gradient.
        self.body.final_conv_0_1 = self.body.final_conv_0_2 = self.body.final_conv_0_3 = nn.Identity()

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """See `Fuser`."""
        return self.body(image)[0]
