"""FunFuseAn: low and high frequencies of every source fused apart."""

from __future__ import annotations

import torch
from monai.networks.blocks import Convolution
from torch import nn

from .fuser import Fuser

LEAKY_RELU = ("leakyrelu", {"negative_slope": 0.2, "inplace": True})


def _convs(channels: list[int], kernel_sizes: list[int]) -> nn.Sequential:
    layers = zip(channels[:-1], channels[1:], kernel_sizes, strict=True)
    return nn.Sequential(
        *(Convolution(2, a, b, kernel_size=k, act=LEAKY_RELU, norm="batch", bias=False) for a, b, k in layers)
    )


class FunFuseAn(Fuser):
    """FunFuseAn (Kumar et al., MBIA 2019), made for an anatomical and a functional image.

    Every source has a branch for low frequencies (one wide convolution to 16 channels) and one for high frequencies
    (three narrower ones to 64); the kernels of the first source are 9 and 3, 3, 3, those of the others 7 and 5, 5, 3.
    High frequencies are fused as the share of the largest in all of them, reconstructed by two convolutions, and
    averaged with the low ones. The channels are the paper's.

    The share is taken of the sum of the magnitudes. The original divides by the plain sum, which crosses zero where a
    leaky ReLU lets negative features through, and then has no bound; for positive features both are the same.

    Args:
        in_channels: number of sources. Defaults to 2.
    """

    method = "funfusean"

    def __init__(self, in_channels: int = 2) -> None:
        super().__init__(in_channels)
        self.epsilon = 1e-3
        first, others = ([9], [3, 3, 3]), ([7], [5, 5, 3])
        kernels = [first] + [others] * (in_channels - 1)
        self.low = nn.ModuleList(_convs([1, 16], low) for low, _ in kernels)
        self.high = nn.ModuleList(_convs([1, 16, 32, 64], high) for _, high in kernels)
        self.reconstruction = _convs([64, 32, 16], [5, 5])
        self.final_conv = nn.Conv2d(16, 1, 5, padding=2)

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        """See `Fuser`."""
        high = torch.stack([branch(image[:, i : i + 1]) for i, branch in enumerate(self.high)])
        share = high.amax(dim=0) / (high.abs().sum(dim=0) + self.epsilon)
        fused = self.reconstruction(share)
        for i, branch in enumerate(self.low):
            fused = fused + branch(image[:, i : i + 1])
        return self.final_conv(fused / (self.in_channels + 1))
