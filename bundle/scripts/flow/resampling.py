"""Trade resolution for channels and back, without loss."""

from __future__ import annotations

import torch

from .step import FlowStep


def space_to_depth(x: torch.Tensor) -> torch.Tensor:
    """Each block of 2 x 2 (x 2) pixels becomes 4 (8) channels at half the size (i-RevNet, Jacobsen et al. 2018).

    Args:
        x: tensor of shape (batch_size, channels, spatial_dim1, spatial_dim2[, spatial_dim3]), all sizes even.

    Returns:
        tensor of shape (batch_size, channels * 4 or 8, spatial_dim1 / 2, …); the parts of one channel stay together.
    """
    b, c, h, w = x.shape[:4]
    if x.dim() == 4:
        blocks = x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4)
        return blocks.reshape(b, c * 4, h // 2, w // 2)
    d = x.shape[4]
    blocks = x.reshape(b, c, h // 2, 2, w // 2, 2, d // 2, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return blocks.reshape(b, c * 8, h // 2, w // 2, d // 2)


def depth_to_space(x: torch.Tensor) -> torch.Tensor:
    """The inverse of `space_to_depth`."""
    b, c, h, w = x.shape[:4]
    if x.dim() == 4:
        blocks = x.reshape(b, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3)
        return blocks.reshape(b, c // 4, h * 2, w * 2)
    d = x.shape[4]
    blocks = x.reshape(b, c // 8, 2, 2, 2, h, w, d).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return blocks.reshape(b, c // 8, h * 2, w * 2, d * 2)


class SpaceToDepth(FlowStep):
    """`space_to_depth` as a step of the flow."""

    def __init__(self) -> None:
        super().__init__(moves=True)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Half the size, four (eight) times the channels."""
        return space_to_depth(x)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Twice the size, a quarter (an eighth) of the channels."""
        return depth_to_space(y)


class DepthToSpace(FlowStep):
    """`depth_to_space` as a step of the flow."""

    def __init__(self) -> None:
        super().__init__(moves=True)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Twice the size, a quarter (an eighth) of the channels."""
        return depth_to_space(x)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Half the size, four (eight) times the channels."""
        return space_to_depth(y)


class HaarBands(FlowStep):
    """Mean and details of every 2 x 2 (x 2) block instead of its pixels: the orthonormal Haar transform.

    Follows `SpaceToDepth`; symmetric and orthogonal, so that it is its own inverse and keeps volume.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
    """

    def __init__(self, spatial_dims: int) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Pixels of a block to its bands, low-low first; a block that reaches over the image's edge stays as it is."""
        bands = x.flatten(2)
        for axis in range(self.spatial_dims):
            stride = 1 << (self.spatial_dims - 1 - axis)
            pairs = bands.reshape(x.shape[0], x.shape[1] // (2 * stride), 2, stride, bands.shape[-1])
            first, second = pairs[:, :, 0], pairs[:, :, 1]
            bands = torch.stack((first + second, first - second), dim=2) * 0.5**0.5
        bands = bands.reshape(x.shape)
        if inside is None:
            return bands
        whole = inside.amin(dim=1, keepdim=True) > 0
        return torch.where(whole, bands, x)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Bands back to pixels."""
        return self.forward(y, inside)
