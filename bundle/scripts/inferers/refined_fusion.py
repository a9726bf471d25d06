"""Refine a fused image against its own decomposition before it is stored."""

from __future__ import annotations

import math

import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.flow.resampling import HaarBands, depth_to_space
from scripts.losses.haar import window_means
from scripts.losses.ssim import SSIM
from scripts.runtimes import with_derivatives

from .slicewise import sees_neighbours

POWER = 16
"""Power of the mean over the sources that stands for the largest of them, with a gradient for all."""


def refining(network: nn.Module, steps: int) -> nn.Module:
    """Return the network that a command fuses with.

    Args:
        network: a `FusionINN` or an export of one.
        steps: the command's `--refine`, see `check_refine`; 0 is the network itself.

    Raises:
        BadInputError: when the network is three-dimensional or cannot decompose.
    """
    if steps == 0:
        return network
    if sees_neighbours(network) or not hasattr(with_derivatives(network), "decompose"):
        raise BadInputError(
            "refine needs a network that fuses slices and can decompose them; leave out --refine for this network."
        )
    return RefinedFusion(network, steps)


def check_refine(steps: int, lossless: bool = False) -> None:
    """Check the options of a command.

    Args:
        steps: the command's `--refine`.
        lossless: the command's `--lossless`. Defaults to False.

    Raises:
        BadInputError: when `steps` is not a whole number from 0 on, or both options are given.
    """
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
        raise BadInputError(f"refine is {steps!r}, expected a whole number of steps; 0 does not refine.")
    if steps and lossless:
        raise BadInputError(
            "refine and lossless cannot be combined: the exact latent belongs to the fused image as the network makes "
            "it, not to the refined one. Leave out one of them."
        )


class RefinedFusion(nn.Module):
    """A network whose fused images are optimised, pixel by pixel, with its weights fixed.

    Fusing has the sources at hand, so the fused image y can be improved for the very pair at hand. Adam minimises ::

        w (1 - SSIM(x, y)) + (1 - w) max (1 - SSIM(x, f⁻¹(y, z))) + q |y - f(x)|²
        + p |window means of the details of y - mean(x)|²

    where x are the sources, f(x) the network's own fused image, z the latent of zeros, and SSIM the mean over the
    windows that touch the object, where one of the sources is above 0. The first term is the mean over the sources,
    the second that of the source that comes back worst, since what a fused image gains on one source is paid for by the
    estimate of another. The third keeps edges whole: SSIM with two sources that differ is highest where an edge of one
    is broken up. Pixels outside the object stay as they are.

    What is optimised are the Haar bands of what is added to y: the code lies in the details, and Adam, which scales
    each unknown for itself, gets further there than on the pixels. The best iterate is kept, the network's own image
    included. It is decomposed like any other fused image; only the exact latent does not belong to it any more.

    Args:
        network: a `FusionINN` or an export of one.
        steps: steps of the optimiser, at least 1. A step takes about three times as long as a decomposition.
        fusion_weight: w, 0 to 1; the more, the closer the fused image is to the sources, and the less the estimates
            are. Defaults to 0.85.
        change_weight: q, of the mean over the object. Defaults to 10.
        pattern_weight: p. Defaults to 100.
        learning_rate: first step size, in shares of the intensity range; it falls to zero as a cosine.
            Defaults to 0.006.

    Raises:
        ValueError: when `steps` is less than 1 or `fusion_weight` outside [0, 1].
    """

    def __init__(
        self,
        network: nn.Module,
        steps: int,
        fusion_weight: float = 0.85,
        change_weight: float = 10.0,
        pattern_weight: float = 100.0,
        learning_rate: float = 6e-3,
    ) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}.")
        if not 0 <= fusion_weight <= 1:
            raise ValueError(f"fusion_weight must lie in [0, 1], got {fusion_weight}.")
        self.network = with_derivatives(network)
        self.spatial_dims = self.network.spatial_dims
        self.in_channels = self.network.in_channels
        self.steps = steps
        self.fusion_weight = fusion_weight
        self.change_weight = change_weight
        self.pattern_weight = pattern_weight
        self.learning_rate = learning_rate
        self.to_bands = HaarBands(spatial_dims=2)
        self.ssim = SSIM()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Fuse and refine.

        Args:
            image: sources (batch_size, N, spatial_dim1, spatial_dim2) in [0, 1].

        Returns:
            fused images (batch_size, 1, …) in [0, 1]. Images smaller than the window of SSIM are not refined.
        """
        with torch.no_grad():
            fused = self.network(image)[0].clamp(0.0, 1.0)
        if min(image.shape[2:]) < self.ssim.taps.numel():
            return fused
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)
        try:
            with torch.enable_grad():
                return self._refine(fused, image)
        finally:
            for parameter in trained:
                parameter.requires_grad_(True)

    def _refine(self, start: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        of_object = (image > 0).any(dim=1, keepdim=True).to(image)
        windows = (self.ssim.window_mean(of_object) > 0).to(image)
        pixels = of_object.flatten(1).sum(dim=1).clamp(1)
        bands = start.new_zeros(start.shape[0], 4, *[(side + 1) // 2 for side in start.shape[2:]]).requires_grad_(True)
        optimizer = torch.optim.Adam([bands], lr=self.learning_rate, betas=(0.9, 0.95), eps=1e-12)
        best, least = start, torch.full_like(start[:, 0].flatten(1)[:, 0], math.inf)
        for step in range(self.steps + 1):
            added = depth_to_space(self.to_bands(bands))[..., : start.shape[2], : start.shape[3]] * of_object
            refined = (start + added).clamp(0.0, 1.0)
            change = added.square().flatten(1).sum(dim=1) / pixels
            loss = self._loss(refined, image, windows) + self.change_weight * change
            better = loss.detach() < least
            least = torch.where(better, loss.detach(), least)
            best = torch.where(better.view(-1, *[1] * (start.dim() - 1)), refined.detach(), best)
            if step == self.steps:
                break
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate * (1 + math.cos(math.pi * step / self.steps)) / 2
            (bands.grad,) = torch.autograd.grad(loss.sum(), bands)
            optimizer.step()
        return best

    def _loss(self, fused: torch.Tensor, image: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        """Loss of each image of the batch."""
        decomposed = self.network.decompose(fused, "zeros")
        fusion = self._dissimilarity(fused.expand_as(image), image, windows).mean(dim=1)
        worst = _largest(self._dissimilarity(decomposed, image, windows))
        pattern = window_means(fused - image.mean(dim=1, keepdim=True)).square().flatten(1).mean(dim=1)
        return self.fusion_weight * fusion + (1 - self.fusion_weight) * worst + self.pattern_weight * pattern

    def _dissimilarity(self, other: torch.Tensor, image: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        """1 - SSIM of each image and source, over the windows that touch the object."""
        each = 1 - self.ssim.similarity_map(image, other)
        return (each * windows).flatten(2).sum(dim=2) / windows.flatten(2).sum(dim=2).clamp(1)


def _largest(values: torch.Tensor) -> torch.Tensor:
    """Power mean of values (batch_size, N) from 0 on: close to the largest of the N."""
    scale = values.detach().amax(dim=1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    return scale[:, 0] * (values / scale).pow(POWER).mean(dim=1).pow(1 / POWER)
