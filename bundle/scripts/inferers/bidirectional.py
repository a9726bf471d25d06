"""BidirectionalInferer: fuse, store as a file would, decompose with a fresh latent."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import ignite.distributed as idist
import torch
from monai.inferers import Inferer
from torch import nn

from scripts.flow.latent import draw_latent, draw_like
from scripts.outputs.levels import LEVELS, as_stored

from .training_precision import AUTO, PRECISIONS, resolve_precision

NAMES = {"cpu": "processor", "cuda": "GPU"}


class BidirectionalInferer(Inferer):
    """Apply both directions of the network in one pass.

    Between them the fused image is rounded as a file would round it. In training (the network in training mode) uniform
    noise as wide as two steps of `storage_levels` is added, which has the effect of rounding and a gradient; the latent
    is drawn from torch's global generator. In evaluation the fused image is clipped to [0, 1] and really rounded, and
    the latent has a fixed seed.

    Args:
        storage_levels: grey levels of the file that the fused image should survive; 0 keeps it as it is.
            Defaults to 4096.
        latent: distribution of the fresh latent, one of "normal", "zeros", "ones", "uniform". Defaults to "normal".
        seed: seed of the latent in evaluation. Defaults to 0.
        noise: largest standard deviation, in shares of the intensity range, of Gaussian noise that is added as well in
            training; each image has its own, uniform from 0 on. Defaults to 0.0.
        coarse_share: share of the images that are stored more coarsely in training: rounded to 8 bits as well, and with
            Gaussian noise of up to one grey level of 8 bits, drawn for each image. The other images teach the network
            to use fine levels, these not to depend on them. Defaults to 0.3.
        precision: "float32", or "bfloat16" for the convolutions of training: nearly twice as fast on processors with
            units for it, slower on others; or "auto" for bfloat16 where it is faster, which is logged.
            Evaluation is in single precision. Defaults to "float32".

    Raises:
        ValueError: when `storage_levels` is 1 or negative, `noise` is negative, `coarse_share` is outside [0, 1] or
            `precision` is unknown.
    """

    def __init__(
        self,
        storage_levels: int = 4096,
        latent: str = "normal",
        seed: int = 0,
        noise: float = 0.0,
        precision: str = "float32",
        coarse_share: float = 0.3,
    ) -> None:
        if storage_levels < 0 or storage_levels == 1:
            raise ValueError(f"storage_levels must be 0 or at least 2, got {storage_levels}.")
        if noise < 0:
            raise ValueError(f"noise must not be negative, got {noise}.")
        if not 0 <= coarse_share <= 1:
            raise ValueError(f"coarse_share must lie in [0, 1], got {coarse_share}.")
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got '{precision}'.")
        super().__init__()
        self.storage_levels = storage_levels
        self.latent = latent
        self.seed = seed
        self.noise = noise
        self.precision = precision
        self.coarse_share = coarse_share
        self._resolved: str | None = None

    def __call__(
        self, inputs: torch.Tensor, network: nn.Module, *args: Any, usual: torch.Tensor | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor]:
        """Apply `network` in both directions.

        Args:
            inputs: sources of shape (batch_size, N, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].
            network: a `FusionINN`, or one wrapped for distributed training.
            args: not used.
            usual: whether each image's fusion counts in the loss, (batch_size,); handed on. Defaults to None (all).
            kwargs: not used.

        Returns:
            "fused" (batch_size, 1, …), "latent" (batch_size, N - 1, …), "decomposed" (batch_size, N, …), and "usual" if
            it is given.
        """
        flow = getattr(network, "module", network)
        with self._convolutions(network.training, inputs.device):
            fused, latent = network(inputs)
        if network.training:
            fresh = draw_like(latent, self.latent)
        else:
            fresh = draw_latent(fused, latent.shape[1], self.latent, self.seed)
        stored = self._stored(fused, network.training)
        with self._convolutions(network.training, inputs.device):
            decomposed = flow.inverse(stored, fresh)
        found = {"fused": fused, "latent": latent, "decomposed": decomposed}
        return found if usual is None else {**found, "usual": usual}

    def _convolutions(self, training: bool, device: torch.device) -> AbstractContextManager:
        if not training or self._in_training(device) == "float32":
            return nullcontext()
        # Couplings promote what the convolutions return: only those are in half precision, and black stays black.
        return torch.autocast(device.type, dtype=torch.bfloat16)

    def _in_training(self, device: torch.device) -> str:
        """The number format of training, resolved and logged at the first batch."""
        if self._resolved is None:
            self._resolved = resolve_precision(self.precision, device)
            if self.precision == AUTO and idist.get_rank() == 0:
                what = "is faster" if self._resolved == "bfloat16" else "is not faster"
                logging.getLogger(__name__).info(
                    f"precision auto: training in {self._resolved}, because bfloat16 {what} on this "
                    f"{NAMES.get(device.type, device.type)}."
                )
        return self._resolved

    def _stored(self, fused: torch.Tensor, training: bool) -> torch.Tensor:
        if training and self.noise > 0:
            each = torch.rand((fused.shape[0], *[1] * (fused.dim() - 1)), dtype=fused.dtype, device=fused.device)
            fused = fused + self.noise * each * torch.randn_like(fused)
        if training and self.coarse_share > 0:
            fused = self._coarser(fused)
        if self.storage_levels == 0:
            return fused
        steps = self.storage_levels - 1
        if training:
            return fused + (2 * torch.rand_like(fused) - 1) / steps
        return as_stored(fused, steps)

    def _coarser(self, fused: torch.Tensor) -> torch.Tensor:
        """Add what coarse storage does to some of the images."""
        of_image = (fused.shape[0], *[1] * (fused.dim() - 1))
        chosen = torch.rand(of_image, device=fused.device) < self.coarse_share
        deviation = torch.rand(of_image, dtype=fused.dtype, device=fused.device)
        added = deviation * torch.randn_like(fused) + torch.rand_like(fused) - 0.5
        return fused + chosen * added / LEVELS["uint8"]
