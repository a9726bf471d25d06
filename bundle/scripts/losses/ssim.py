"""Structural similarity, differentiable and fast."""

from __future__ import annotations

import torch
from torch import nn


class SSIM(nn.Module):
    """Structural similarity of two images (Wang et al. 2004) in an 11-tap Gaussian window of sigma 1.5.

    Only windows that lie inside the image count, C1 = (0.01 L)², C2 = (0.03 L)² for the value range L. The window is
    separable and applied as a product with a banded matrix, which is several times faster than a convolution.

    Args:
        data_range: the value range L. Defaults to 1.0.
        window_size: taps of the window. Defaults to 11.
        sigma: width of the window in pixels. Defaults to 1.5.
    """

    def __init__(self, data_range: float = 1.0, window_size: int = 11, sigma: float = 1.5) -> None:
        super().__init__()
        self.c1 = (0.01 * data_range) ** 2
        self.c2 = (0.03 * data_range) ** 2
        offsets = torch.arange(window_size, dtype=torch.float64) - (window_size - 1) / 2
        taps = torch.exp(-(offsets**2) / (2 * sigma**2))
        self.register_buffer("taps", taps / taps.sum(), persistent=False)

    def _band(self, size: int, like: torch.Tensor) -> torch.Tensor:
        taps = self.taps.to(like)
        windows = size - taps.numel() + 1
        band = like.new_zeros(windows, size + 1)
        band[:, : taps.numel()] = taps
        return band.flatten()[: windows * size].view(windows, size)

    def window_mean(self, x: torch.Tensor) -> torch.Tensor:
        """Weighted mean in every window, of shape (batch_size, channels, spatial_dim1 - 10, …)."""
        for axis in range(2, x.dim()):
            x = torch.matmul(x.transpose(axis, -1), self._band(x.shape[axis], x).T).transpose(axis, -1)
        return x

    def similarity_map(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Similarity at every window.

        Args:
            x: images of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]).
            y: images that they are compared with, of the same shape.

        Returns:
            tensor of shape (batch_size, channels, spatial_dim1 - 10, …), each value in [-1, 1].

        Raises:
            ValueError: when the shapes differ or a side is shorter than the window.
        """
        if x.shape != y.shape:
            raise ValueError(f"SSIM needs images of the same shape, got {tuple(x.shape)} and {tuple(y.shape)}.")
        if min(x.shape[2:]) < self.taps.numel():
            raise ValueError(f"SSIM needs sides of at least {self.taps.numel()} pixels, got {tuple(x.shape[2:])}.")
        count = x.shape[1]
        means = self.window_mean(torch.cat((x, y, x * x + y * y, x * y), dim=1))
        return self.compare(*means.split(count, dim=1))

    def compare(
        self, mean_x: torch.Tensor, mean_y: torch.Tensor, power: torch.Tensor, product: torch.Tensor
    ) -> torch.Tensor:
        """Similarity from the window means of x, y, x² + y² and xy."""
        covariance = product - mean_x * mean_y
        mean_power = mean_x * mean_x + mean_y * mean_y
        luminance = (2 * mean_x * mean_y + self.c1) / (mean_power + self.c1)
        return luminance * (2 * covariance + self.c2) / (power - mean_power + self.c2)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Mean similarity per image and channel, of shape (batch_size, channels)."""
        return self.similarity_map(x, y).flatten(2).mean(dim=2)
