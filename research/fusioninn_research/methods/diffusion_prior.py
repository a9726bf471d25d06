"""DiffusionPrior: an unconditional network that predicts the noise in an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.networks.nets import DiffusionModelUNet
from torch import nn


class DiffusionPrior(nn.Module):
    """Predicts the noise in a grey image; MONAI's diffusion U-Net on 2 x 2 pixels at a time.

    The network sees four pixels as four channels at half the resolution, which makes it four times as fast. It has no
    attention, not even in the middle, where MONAI always puts it: it is fully convolutional, and one that was trained
    on crops works on whole slices.

    Args:
        channels: channels of every level, multiples of 16; each level has half the resolution of the one before.
            Defaults to (32, 64, 128), 2.5 million parameters.

    Raises:
        ValueError: when `channels` is empty or holds a number that is not a multiple of 16.
    """

    CELL = 2
    GROUPS = 8

    def __init__(self, channels: Sequence[int] = (32, 64, 128)) -> None:
        super().__init__()
        # two channels in a group at least: the normalisation of one alone would take away what the timestep adds to it
        least = 2 * self.GROUPS
        if not channels or any(count < least or count % least for count in channels):
            raise ValueError(f"channels must be multiples of {least}, one for each level, got {list(channels)}.")
        self.unet = DiffusionModelUNet(
            spatial_dims=2,
            in_channels=self.CELL**2,
            out_channels=self.CELL**2,
            num_res_blocks=1,
            channels=tuple(channels),
            attention_levels=(False,) * len(channels),
            norm_num_groups=self.GROUPS,
        )
        self.unet.middle_block.attention = nn.Identity()
        self.multiple = self.CELL * 2 ** (len(channels) - 1)

    @property
    def trained(self) -> bool:
        """Whether it has ever been trained: a new one predicts zeros."""
        return any(parameter.any() for parameter in self.unet.out[-1].parameters())

    def forward(self, noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Predict the noise.

        Args:
            noisy: images of shape (batch_size, 1, H, W), any size, with values of about [-1, 1] and the noise of their
                timestep.
            timesteps: timestep of every image, of shape (batch_size,).

        Returns:
            tensor of shape (batch_size, 1, H, W).
        """
        height, width = noisy.shape[2:]
        padded = F.pad(noisy, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        noise = F.pixel_shuffle(self.unet(F.pixel_unshuffle(padded, self.CELL), timesteps), self.CELL)
        return noise[..., :height, :width]
