"""NoisePredictionInferer: add noise to every source, let the network find it."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer
from monai.networks.schedulers import DDPMScheduler
from torch import nn


class NoisePredictionInferer(Inferer):
    """What a diffusion prior is trained with: each source is an image of its own, noisy as at a random timestep.

    In training (the network in training mode) timesteps and noise come from torch's global generator. In evaluation
    they have a fixed seed, and the timesteps lie evenly over the schedule, so that epochs can be compared.

    Args:
        timesteps: length of the linear schedule. Defaults to 1000.
        seed: seed of the noise in evaluation. Defaults to 0.
    """

    def __init__(self, timesteps: int = 1000, seed: int = 0) -> None:
        super().__init__()
        self.schedule = DDPMScheduler(timesteps)
        self.seed = seed

    def __call__(self, inputs: torch.Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        """Apply `network` to the noisy sources.

        Args:
            inputs: sources of shape (batch_size, N, H, W) in [0, 1].
            network: a `DDFM`, or one wrapped for distributed training.
            args: not used.
            kwargs: not used.

        Returns:
            "noise" and "predicted_noise", and as "fused", to look at, the sources as the network cleans them, in
            [0, 1]; each of shape (batch_size, N, H, W).
        """
        images = (2 * inputs - 1).flatten(0, 1)[:, None]
        count = self.schedule.num_train_timesteps
        if network.training:
            timesteps = torch.randint(count, (len(images),), device=inputs.device)
            noise = torch.randn_like(images)
        else:
            timesteps = (torch.arange(len(images), device=inputs.device) * 2 + 1) * count // (2 * len(images))
            generator = torch.Generator().manual_seed(self.seed)
            noise = torch.randn(images.shape, generator=generator).to(images)
        noisy = self.schedule.add_noise(images, noise, timesteps)
        predicted = network(noisy, timesteps)
        share = self.schedule.alphas_cumprod.to(images)[timesteps].view(-1, 1, 1, 1)
        cleaned = (noisy - (1 - share).sqrt() * predicted) / share.sqrt()
        named = {"noise": noise, "predicted_noise": predicted, "fused": ((cleaned + 1) / 2).clamp(0.0, 1.0)}
        return {name: value.view_as(inputs) for name, value in named.items()}
