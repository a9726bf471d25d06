"""Ceiling: the highest SSIM with its sources that a fused image can reach."""

from __future__ import annotations

import torch
from torch import nn

from scripts.losses.ssim import SSIM


class Ceiling(nn.Module):
    """The fused image whose pixels are optimised directly for the mean SSIM with the sources.

    It is an upper bound for methods, not a method: it optimises the measure itself. Adam with a rate that falls along a
    cosine starts from the mean of the sources; each image is optimised independently of the others in the batch.

    Args:
        in_channels: number of sources. Defaults to 2.
        steps: steps of the optimisation. Defaults to 200.
        learning_rate: rate of the first step. Defaults to 0.005.

    Raises:
        ValueError: when `steps` is negative.
    """

    def __init__(self, in_channels: int = 2, steps: int = 200, learning_rate: float = 0.005) -> None:
        super().__init__()
        if steps < 0:
            raise ValueError(f"steps must not be negative, got {steps}.")
        self.in_channels = in_channels
        self.steps = steps
        self.learning_rate = learning_rate
        # in single precision, as the images: its window tells the device and the precision of this module
        self.ssim = SSIM().float()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Optimise, also where gradients are switched off.

        Args:
            image: sources of shape (batch_size, N, H, W) in [0, 1].

        Returns:
            tensor of shape (batch_size, 1, H, W) in [0, 1]; the mean of the sources where a side is shorter than the
            window of SSIM.
        """
        if min(image.shape[2:]) < self.ssim.taps.numel():
            return image.mean(dim=1, keepdim=True)
        with torch.inference_mode(False), torch.enable_grad():
            # a copy, since a tensor of the inference mode cannot take part in a gradient
            image = image.detach().clone()
            fused = image.mean(dim=1, keepdim=True).requires_grad_()
            optimizer = torch.optim.Adam([fused], lr=self.learning_rate)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(self.steps, 1))
            for _ in range(self.steps):
                optimizer.zero_grad()
                (-self.ssim(image, fused.expand_as(image)).mean(dim=1).sum()).backward()
                optimizer.step()
                schedule.step()
        return fused.detach().clamp_(0.0, 1.0)
