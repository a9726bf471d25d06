"""FusionINN: an invertible network that fuses images and decomposes the fused image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from scripts.flow import LatentScale, TangentLogit, recomputed
from scripts.flow.latent import draw_latent

from .multiscale import (
    MULTISCALE,
    PAPER_ORDER,
    SCALES,
    MultiscaleFlow,
    check_scales,
    hidden_of_blocks,
    paper_scales,
)


class FusionINN(nn.Module):
    """Decomposable image fusion (Kumar et al., arXiv 2403.15769, section 2.2).

    ``fused, latent = f(sources)`` and ``sources = f⁻¹(fused, latent)``, one network in both directions, made of
    coupling blocks (Eq. 1), by default at half and at a quarter of the resolution. Space-to-depth steps or their
    inverses stand between blocks of different resolution, fixed random permutations of the channels between blocks of
    the same resolution.
    Intensities enter through a logit and the fused image leaves through the sigmoid that undoes it, each continued
    along its tangents, so that the whole is a bijection in floating point too (`TangentLogit`).

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3. Defaults to 2.
        in_channels: number of sources N, at least 2; there is one fused and N - 1 latent channels. Defaults to 2.
        scales: what the resolution is divided by in each coupling block, powers of two. Defaults to ``(2, 4, 4, 2)``.
        blocks: number of coupling blocks k, at least 1; given instead of `scales`, it stands for the paper's order, the
            first and the last block at full resolution and those between at half of it, ``(1, 2, …, 2, 1)``, and for
            the defaults of that network, which are named below. Six blocks are the network of version 0.4.0, three are
            the paper's number. Defaults to None.
        spread: change the signs of the finest diagonal details at random at both ends of the flow, so that the code
            that decomposition needs looks like faint noise and not like a lattice (`SpreadSigns`). The first and the
            last block must then be below full resolution. Defaults to None, for True where that is so.
        lifting: begin and end the flow with a `Lifting` of the bands at half the resolution, each as wide inside as the
            block beside it. The first takes off what the other bands show of the details of the differences and of
            the finest details of the mean, so that no code is spent on it; the last adds to the finest details of
            the fused image, from its other bands and the latent. The first and the last block must then be below
            full resolution. Defaults to None, for True where that is so.
        hidden_channels: channels inside the subnetworks at full resolution; half as many again at half the resolution,
            twice as many at a quarter, and so on; with `blocks`, twice as many at half the resolution. Or one number
            for each block. Defaults to None, for 16, with `blocks` 32.
        clamp: bound of the exponents in the couplings. Defaults to None, for 1.0, with `blocks` 2.0.
        margin: see `TangentLogit`. Defaults to 0.05.
        mixing: begin with mean and differences of the sources, so that training starts from mean fusion. Defaults to
            True; False is the paper's network. The first block after a change of resolution then sees the bands of the
            mean on one side and those of the differences on the other (of more than three sources, some of the
            differences stay with the mean).
        realign: undo the permutations before the resolution is restored, so that every pixel comes back to its place.
            Defaults to True; False is the paper's network, where pixels of a 2 x 2 block change places and sources.
        haar: turn every block of pixels into its mean and details (`HaarBands`) below full resolution, so that the
            couplings there can leave the mean alone and work on the details. Defaults to True; False is the
            paper's network.
        output_relu: end each subnetwork with a ReLU as in the paper. Defaults to False.
        latent_scale: what one standard deviation of the latent is for the couplings, see `LatentScale`. Defaults to
            None, for 0.03, with `blocks` 1.0 as in the paper.
        seed: seed of the permutations, which are saved with the weights. Defaults to 0.
        recompute: keep no activations in training: the gradient recomputes them through the inverse, see `recomputed`.
            Memory then does not grow with the blocks, and a training step takes longer. Defaults to False.

    Raises:
        ValueError: when an argument is out of its range.

    Examples::

        >>> network = FusionINN()
        >>> image = torch.rand(1, 2, 64, 48)
        >>> fused, latent = network(image)
        >>> torch.allclose(network.inverse(fused, latent), image, atol=1e-4)
        True
        >>> network.decompose(fused).shape
        torch.Size([1, 2, 64, 48])
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 2,
        scales: Sequence[int] | None = None,
        blocks: int | None = None,
        spread: bool | None = None,
        lifting: bool | None = None,
        hidden_channels: int | Sequence[int] | None = None,
        clamp: float | None = None,
        margin: float = 0.05,
        mixing: bool = True,
        realign: bool = True,
        haar: bool = True,
        output_relu: bool = False,
        latent_scale: float | None = None,
        seed: int = 0,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, got {spatial_dims}.")
        if in_channels < 2:
            raise ValueError(f"in_channels must be at least 2, got {in_channels}.")
        if blocks is not None and blocks < 1:
            raise ValueError(f"blocks must be at least 1, got {blocks}.")
        if blocks is not None and scales is not None:
            raise ValueError(f"scales and blocks both say which blocks there are, got {list(scales)} and {blocks}.")
        family = MULTISCALE if blocks is None else PAPER_ORDER
        scales = SCALES if scales is None else scales
        scales = [int(scale) for scale in (scales if blocks is None else paper_scales(blocks))]
        on_bands = {"spread": spread, "lifting": lifting}
        banded = check_scales(scales, [name for name, used in on_bands.items() if used], realign and haar)
        spread, lifting = (banded if used is None else used for used in on_bands.values())
        hidden_channels = family.hidden_channels if hidden_channels is None else hidden_channels
        clamp = family.clamp if clamp is None else clamp
        latent_scale = family.latent_scale if latent_scale is None else latent_scale
        self.spatial_dims = spatial_dims
        self.in_channels = in_channels
        self.recompute = recompute
        self.realign = realign or max(scales) == 1
        self.size_multiple = max(2, *scales)
        self.squash = TangentLogit(margin)
        # Weights are of no use with another margin or clamp, so they carry them.
        self.register_buffer("bounds", torch.tensor([margin, clamp]))

        flow = MultiscaleFlow(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            hidden_channels=hidden_of_blocks(hidden_channels, scales, family.growth),
            clamp=clamp,
            output_relu=output_relu,
            mixing=mixing,
            realign=self.realign,
            haar=haar,
            spread=spread,
            lifting=lifting,
            seed=seed,
        )
        steps = flow.build(scales)
        if latent_scale != 1 or blocks is None:
            steps.append(LatentScale(latent_scale))
        self.steps = nn.ModuleList(steps)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fuse.

        Args:
            image: sources of shape (batch_size, in_channels, spatial_dim1, spatial_dim2[, spatial_dim3]), normalised to
                [0, 1]. Any size; values outside the range are represented too.

        Returns:
            the fused image (batch_size, 1, …) in [0, 1] up to a small excess at extreme contrasts, which must be cut
            off when the image is shown or stored, and the latent (batch_size, in_channels - 1, …), both of the size of
            `image`.
        """
        size = image.shape[2:]
        values = self.squash(image)
        x = self._pad(values)
        x = self._crop(self._to_latent(x, self._inside(values, x)), size)
        return self.squash.inverse(x[:, :1]), x[:, 1:]

    @torch.jit.export
    def inverse(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """Undo `forward`.

        Args:
            fused: fused image of shape (batch_size, 1, spatial_dim1, spatial_dim2[, spatial_dim3]).
            latent: latent of shape (batch_size, in_channels - 1, …).

        Returns:
            the sources (batch_size, in_channels, …): exactly those that were fused when the latent is theirs,
            estimates of them when it is drawn afresh.
        """
        size = fused.shape[2:]
        latent = latent.clamp(-self.squash.reach, self.squash.reach)
        values = torch.cat((self.squash(fused), latent), dim=1)
        x = self._pad(values)
        x = self._to_sources(x, self._inside(values, x))
        return self.squash.inverse(self._crop(x, size))

    @torch.jit.export
    def decompose(self, fused: torch.Tensor, kind: str = "zeros", seed: int = 0) -> torch.Tensor:
        """Estimate the sources from the fused image alone, with a fresh latent.

        Args:
            fused: fused image of shape (batch_size, 1, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].
            kind: distribution of the latent: "normal", "zeros", "ones" or "uniform". Defaults to "zeros", the most
                likely latent.
            seed: seed of the latent; image i of the batch is drawn with ``seed + i``. Defaults to 0.

        Returns:
            estimates of the sources (batch_size, in_channels, …).
        """
        return self.inverse(fused, draw_latent(fused, self.in_channels - 1, kind, seed))

    @torch.jit.export
    def log_det(self, image: torch.Tensor) -> torch.Tensor:
        """Logarithm of |det| of the Jacobian of the map from `image` to fused image and latent, per image.

        Args:
            image: sources as for `forward`.

        Returns:
            tensor of shape (batch_size,).
        """
        size = image.shape[2:]
        total = self.squash.log_slope(image).flatten(1).sum(dim=1)
        values = self.squash(image)
        x = self._pad(values)
        inside = self._inside(values, x)
        for step in self.steps:
            total = total + step.log_det(x, inside)
            x = step(x, inside)
            if step.moves and inside is not None:
                inside = step(inside)
        fused = self.squash.inverse(self._crop(x, size)[:, :1])
        return total - self.squash.log_slope(fused).flatten(1).sum(dim=1)

    def _to_latent(self, x: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        if not torch.jit.is_scripting() and self.recompute and self.training and torch.is_grad_enabled():
            return recomputed(self.steps, x, inside)
        for step in self.steps:
            x = step(x, inside)
            if step.moves and inside is not None:
                inside = step(inside)
        return x

    def _to_sources(self, x: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        if not torch.jit.is_scripting() and self.recompute and self.training and torch.is_grad_enabled():
            return recomputed(self.steps, x, inside, backwards=True)
        for step in self.steps[::-1]:
            x = step.inverse(x, inside)
            if step.moves and inside is not None:
                inside = step.inverse(inside)
        return x

    def _pad(self, x: torch.Tensor) -> torch.Tensor:
        n = self.size_multiple
        if x.dim() == 4:
            return F.pad(x, (0, -x.shape[3] % n, 0, -x.shape[2] % n))
        return F.pad(x, (0, -x.shape[4] % n, 0, -x.shape[3] % n, 0, -x.shape[2] % n))

    def _inside(self, values: torch.Tensor, padded: torch.Tensor) -> torch.Tensor | None:
        if padded.shape == values.shape:
            return None
        if not self.realign:
            raise ValueError(
                f"A network with realign=False takes multiples of {self.size_multiple} as sizes only: pad the image or "
                "use realign=True."
            )
        return self._pad(torch.ones_like(values[:1]))

    def _crop(self, x: torch.Tensor, size: list[int]) -> torch.Tensor:
        if x.dim() == 4:
            return x[:, :, : size[0], : size[1]]
        return x[:, :, : size[0], : size[1], : size[2]]
