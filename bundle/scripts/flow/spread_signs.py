"""Signs that spread a code in the finest diagonal details over all frequencies."""

from __future__ import annotations

import torch

from .step import FlowStep

TILE = {2: 64, 3: 16}
"""Size of the tile of signs along each axis, in blocks of pixels."""


class SpreadSigns(FlowStep):
    """Multiply the finest diagonal band by fixed random signs.

    Follows `HaarBands` at half the resolution, and once more before the resolution is restored: details that the
    couplings leave alone get their own signs back. What the couplings add is spread like noise in the fused image,
    where it would otherwise stand as a lattice of two pixels: the direct-sequence spreading of digital watermarks (Cox
    et al. 1997). In each group of 2 x 2 (x 2) blocks as many signs are positive as negative, so that a smooth code
    cancels in every window. Keeps volume and is its own inverse.

    The signs are a buffer: they are saved with the weights. They begin at the first pixel, so a fused image must not be
    cropped, shifted or flipped before it is decomposed.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        generator: source of the signs.
    """

    def __init__(self, spatial_dims: int, generator: torch.Generator) -> None:
        super().__init__()
        self.bands = 2**spatial_dims
        self.register_buffer("signs", balanced_signs(spatial_dims, generator))

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Change signs in the last band of each source; a block that reaches over the image's edge stays as it is."""
        signs = self.signs
        for axis in range(signs.dim()):
            place = torch.arange(x.shape[2 + axis], device=x.device) % signs.shape[axis]
            signs = signs.index_select(axis, place)
        if inside is not None:
            signs = torch.where(inside.amin(dim=1).sum(dim=0) > 0, signs, torch.ones_like(signs))
        bands = x.unflatten(1, (-1, self.bands))
        return torch.cat((bands[:, :, :-1], bands[:, :, -1:] * signs), dim=2).reshape(x.shape)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """The same signs again."""
        return self.forward(y, inside)


def balanced_signs(spatial_dims: int, generator: torch.Generator) -> torch.Tensor:
    """Draw a tile of signs with as many +1 as -1 in each group of 2 x 2 (x 2).

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        generator: source of the signs.

    Returns:
        tensor of `TILE` elements along each axis, +1 and -1.
    """
    groups = [TILE[spatial_dims] // 2] * spatial_dims
    of_group = 2**spatial_dims
    half = torch.ones(of_group // 2)
    order = torch.rand([*groups, of_group], generator=generator).argsort(-1)
    signs = torch.cat((half, -half))[order].reshape(*groups, *[2] * spatial_dims)
    interleaved = [axis + part * spatial_dims for axis in range(spatial_dims) for part in range(2)]
    return signs.permute(*interleaved).reshape([TILE[spatial_dims]] * spatial_dims).contiguous()
