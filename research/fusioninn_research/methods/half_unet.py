"""Half-UNet: an encoder whose levels all have the same width, and almost no decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from monai.networks.blocks import Convolution
from torch import nn

from .fuser import Fuser
from .unet import RELU

LEVELS = 5


class GhostModule(nn.Module):
    """Half of the channels by a 3 x 3 convolution, the other half from those by a separable one (Han et al. 2020).

    Args:
        in_channels: channels that come in.
        out_channels: channels that go out, an even number.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.primary = Convolution(2, in_channels, half, act=RELU, norm="batch", bias=False)
        self.separable = nn.Sequential(
            nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False),
            Convolution(2, half, half, kernel_size=1, act=RELU, norm="batch", bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch_size, in_channels, H, W) to (batch_size, out_channels, H, W)."""
        primary = self.primary(x)
        return torch.cat((primary, self.separable(primary)), dim=1)


class HalfUNet(Fuser):
    """Half-UNet (Lu et al., Frontiers in Neuroinformatics 2022), trained to fuse.

    Four times two ghost modules and a max pooling, and two more modules at the bottom, all of one width. All five maps
    are up-sampled to full resolution (bilinear) and reduced by a 1 x 1 convolution. In the paper they are added there;
    here they are concatenated, as the authors of FusionINN configured it for fusion.

    Args:
        in_channels: number of sources. Defaults to 2.
        width: channels of every level, an even number. Defaults to 64.

    Raises:
        ValueError: when the width is odd.
    """

    method = "half_unet"

    def __init__(self, in_channels: int = 2, width: int = 64) -> None:
        super().__init__(in_channels, multiple=2 ** (LEVELS - 1))
        if width < 2 or width % 2:
            raise ValueError(f"width must be even, got {width}: a ghost module makes it of two halves.")
        self.levels = nn.ModuleList(
            nn.Sequential(GhostModule(in_channels if i == 0 else width, width), GhostModule(width, width))
            for i in range(LEVELS)
        )
        self.final_conv = nn.Conv2d(LEVELS * width, 1, 1)

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """See `Fuser`."""
        x = image
        maps: list[torch.Tensor] = []
        for i, level in enumerate(self.levels):
            if i > 0:
                x = F.max_pool2d(x, 2)
            x = level(x)
            maps.append(F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False) if i > 0 else x)
        return self.final_conv(torch.cat(maps, dim=1))
