"""DDFM: fusion as sampling from a diffusion model, steered towards the sources in every step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from monai.networks.schedulers import DDIMScheduler
from torch import nn

from scripts.command_line.offered import command
from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.flow.latent import draw_latent

from ..config_paths import config_path
from .diffusion_prior import DiffusionPrior
from .fusion_em import FusionEM

TIMESTEPS = 1000


class DDFM(nn.Module):
    """Denoising diffusion fusion model (Zhao et al., ICCV 2023, arXiv 2303.06840).

    Only the prior is trained, on single images, and nothing is trained to fuse. Sampling begins with noise f_T and goes
    through `steps` of the 1000 timesteps of the linear schedule, with ᾱ the share of the image in f_t::

        f̃ = (f_t - √(1 - ᾱ_t) ε(f_t, t)) / √ᾱ_t             the clean image as the prior predicts it, cut to [-1, 1]
        f̂ = one iteration of expectation maximisation on f̃     `FusionEM`: what the sources have to say
        f_s = √ᾱ_s f̂ + √(1 - ᾱ_s) (f_t - √ᾱ_t f̂) / √(1 - ᾱ_t)   the next timestep s < t, without new noise (DDIM)

    The authors' prior has 552.8 million parameters and has learned ImageNet; the one here learns slices, see
    `research/configs/methods/ddfm.json`. The state dict holds the weights of the prior and nothing else.

    Args:
        in_channels: number of sources, 2. Defaults to 2.
        channels: see `DiffusionPrior`. Defaults to (32, 64, 128).
        steps: timesteps that are gone through, 1 to 1000. Defaults to 100.
        gradient_weight: λ of `FusionEM`. Defaults to 0.5.
        penalty: ρ of `FusionEM`. Defaults to 0.01.
        exchanged: see `FusionEM`. Defaults to True.
        shared_scale: see `FusionEM`. Defaults to True.
        seed: seed of f_T, the same for every image. Defaults to 0.

    Raises:
        ValueError: when an argument is out of its range.
    """

    method = "ddfm"
    trained_with = "bundle/configs/train.json and research/configs/methods/ddfm.json"

    def __init__(
        self,
        in_channels: int = 2,
        channels: Sequence[int] = (32, 64, 128),
        steps: int = 100,
        gradient_weight: float = 0.5,
        penalty: float = 0.01,
        exchanged: bool | str = True,
        shared_scale: bool | str = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if in_channels != 2:
            raise ValueError(f"DDFM fuses two sources, got in_channels {in_channels}.")
        if not 1 <= steps <= TIMESTEPS:
            raise ValueError(f"steps must lie between 1 and {TIMESTEPS}, got {steps}.")
        self.in_channels = in_channels
        self.likelihood = partial(
            FusionEM,
            gradient_weight=gradient_weight,
            penalty=penalty,
            exchanged=is_true(exchanged),
            shared_scale=is_true(shared_scale),
        )
        self.seed = seed
        self.prior = DiffusionPrior(channels)
        self.denoising = DDIMScheduler(TIMESTEPS, clip_sample=True)
        self.sampling = DDIMScheduler(TIMESTEPS, clip_sample=False, prediction_type="sample")
        for schedule in (self.denoising, self.sampling):
            schedule.set_timesteps(steps)

    def forward(self, image: torch.Tensor, timesteps: torch.Tensor | None = None) -> torch.Tensor:
        """Fuse; or, given timesteps, predict noise, which is what the prior is trained for.

        Args:
            image: sources of shape (batch_size, 2, H, W) in [0, 1], any size; with `timesteps` noisy images of shape
                (batch_size, 1, H, W), see `DiffusionPrior`.
            timesteps: timestep of every image, of shape (batch_size,). Defaults to None (fuse).

        Returns:
            the fused image, or the noise, of shape (batch_size, 1, H, W).

        Raises:
            BadInputError: when a prior that was never trained is to fuse.
        """
        if timesteps is not None:
            return self.prior(image, timesteps)
        if not self.prior.trained:
            configs = ["train.json", config_path("research/methods/ddfm.json"), "crops.json"]
            training = command(configs, "--dataset_dir DIR", "training")
            raise BadInputError(
                f"DDFM has no trained prior. Train one on slices, then give its model.pt by --ckpt_path: {training}"
            )
        return self.sample(image)

    @torch.no_grad()
    def sample(self, image: torch.Tensor) -> torch.Tensor:
        """Fuse with the prior as it is; argument and result as for `forward`."""
        first, second = (2 * image - 1).split(1, dim=1)
        likelihood = self.likelihood(first, second)
        fused = draw_latent(first[:1], 1, seed=self.seed).expand_as(first)
        for timestep in self.sampling.timesteps:
            noise = self.prior(fused, timestep.to(image.device).expand(len(image)))
            _, predicted = self.denoising.step(noise, timestep, fused)
            fused, _ = self.sampling.step(likelihood(predicted), timestep, fused)
        return ((fused + 1) / 2).clamp(0.0, 1.0)
