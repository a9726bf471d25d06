"""The steps of a flow whose coupling blocks work at several resolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from scripts.flow import (
    AffineCoupling,
    ChannelPermutation,
    DepthToSpace,
    FlowStep,
    HaarBands,
    Lifting,
    SourceMixing,
    SpaceToDepth,
    SpreadSigns,
)


@dataclass(frozen=True)
class Family:
    """Defaults that go with an order of blocks.

    Args:
        hidden_channels: width of the subnetworks at full resolution.
        growth: by how much the width of the subnetworks grows when the resolution is halved, as a part of their width
            at full resolution.
        clamp: bound of the exponents, see `AffineCoupling`.
        latent_scale: see `LatentScale`.
    """

    hidden_channels: int
    growth: float
    clamp: float
    latent_scale: float


SCALES = (2, 4, 4, 2)
MULTISCALE = Family(hidden_channels=16, growth=0.5, clamp=1.0, latent_scale=0.03)
PAPER_ORDER = Family(hidden_channels=32, growth=1.0, clamp=2.0, latent_scale=1.0)


def paper_scales(blocks: int) -> list[int]:
    """Return the scales of k blocks in the paper's order: half the resolution, but for the first and the last block.

    Args:
        blocks: number of coupling blocks k, at least 1.
    """
    return [1, *[2] * max(blocks - 2, 1), 1][:blocks]


def check_scales(scales: Sequence[int], on_bands: Sequence[str], banded: bool) -> bool:
    """Check that blocks can work at these scales.

    Args:
        scales: what the resolution is divided by in each block.
        on_bands: names of the options in use that work on the bands of half the resolution at both ends of the flow.
        banded: whether blocks below full resolution see Haar bands in their places.

    Returns:
        whether the flow has such bands at both ends.

    Raises:
        ValueError: when there is no block, a scale is not a power of two, or there are no bands for an option.
    """
    if not scales or any(scale < 1 or scale & (scale - 1) for scale in scales):
        raise ValueError(f"scales must be powers of two, one for each block, got {list(scales)}.")
    has_bands = banded and scales[0] > 1 and scales[-1] > 1
    if on_bands and not has_bands:
        raise ValueError(
            f"{on_bands[0]} needs haar=True, realign=True, and a first and a last block below full resolution, "
            f"got scales {list(scales)}."
        )
    return has_bands


def hidden_of_blocks(hidden_channels: int | Sequence[int], scales: Sequence[int], growth: float) -> list[int]:
    """Return the channels inside the subnetworks of each block.

    Args:
        hidden_channels: one number for each block, or one number for full resolution, to which the part `growth` of it
            is added each time the resolution is halved.
        scales: what the resolution is divided by in each block.
        growth: see `Family`.

    Raises:
        ValueError: when a number is less than 1, or there are not as many as blocks.
    """
    if isinstance(hidden_channels, int):
        hidden = [round(hidden_channels * (1 + growth * (scale.bit_length() - 1))) for scale in scales]
    else:
        hidden = [int(channels) for channels in hidden_channels]
    if len(hidden) != len(scales) or any(channels < 1 for channels in hidden):
        raise ValueError(
            f"hidden_channels must be at least 1, one number or one for each of {len(scales)} blocks, "
            f"got {hidden_channels}."
        )
    return hidden


@dataclass
class MultiscaleFlow:
    """Builds the steps of a flow, block by block.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        in_channels: number of sources.
        hidden_channels: channels inside the subnetworks of each block.
        clamp: bound of the exponents, see `AffineCoupling`.
        output_relu: see `Subnet`.
        mixing: begin with `SourceMixing`.
        realign: undo the permutations before the resolution changes.
        haar: see `HaarBands`.
        spread: see `SpreadSigns`.
        lifting: begin and end with a `Lifting`, each as wide inside as the block beside it.
        seed: seed of the permutations and signs.
    """

    spatial_dims: int
    in_channels: int
    hidden_channels: Sequence[int]
    clamp: float
    output_relu: bool
    mixing: bool
    realign: bool
    haar: bool
    spread: bool
    lifting: bool
    seed: int
    steps: list[FlowStep] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._generator = torch.Generator().manual_seed(self.seed)
        self._signs = SpreadSigns(self.spatial_dims, self._generator) if self.spread else None
        self._bands = 2**self.spatial_dims
        self._level = 0
        self._at_end = True
        self._begin_level()

    def build(self, scales: Sequence[int]) -> list[FlowStep]:
        """Return the steps for blocks at these scales; the last one is at full resolution again."""
        if self.mixing:
            self.steps.append(SourceMixing())
        for scale, hidden in zip(scales, self.hidden_channels, strict=True):
            self._go_to(scale.bit_length() - 1)
            self._add_block(hidden)
        self._at_end = True
        self._go_to(0)
        return self.steps

    @property
    def _channels(self) -> int:
        return self.in_channels * 2 ** (self.spatial_dims * self._level)

    def _begin_level(self) -> None:
        self._blocks_here = 0
        self._order = torch.arange(self._channels)

    def _add_block(self, hidden: int) -> None:
        if self._blocks_here > 0 or (self._level > 0 and self.realign and not self.mixing):
            self._permute()
        # The bands of a source stay on one side, also for an odd number of sources.
        banded = self._blocks_here == 0 and self.mixing and self._level > 0
        first = self.in_channels // 2 * self._channels // self.in_channels if banded else None
        self.steps.append(
            AffineCoupling(self.spatial_dims, self._channels, hidden, self.clamp, self.output_relu, first)
        )
        self._blocks_here += 1
        self._at_end = False

    def _permute(self) -> None:
        permutation = ChannelPermutation.random(self._channels, self._generator)
        self._order = self._order[permutation.order]
        self.steps.append(permutation)

    def _go_to(self, level: int) -> None:
        if level == self._level:
            return
        if not self.realign:
            self._permute()
        elif level < self._level or not torch.equal(self._order, torch.arange(self._channels)):
            self.steps.append(ChannelPermutation(self._order).undo())
        while self._level < level:
            self._halve()
        while self._level > level:
            self._restore()
        self._begin_level()

    def _halve(self) -> None:
        self.steps.append(SpaceToDepth())
        if self.haar:
            self.steps.append(HaarBands(self.spatial_dims))
        self._level += 1
        if self._level == 1:
            if self._at_end:
                shown = [*range(self._bands - 1), *range(self._bands, self._channels, self._bands)]
                self._lift(shown, self.hidden_channels[0])
            self._spread_signs()

    def _restore(self) -> None:
        if self._level == 1:
            self._spread_signs()
            if self._at_end:
                shown = [*range(self._bands - 1), *range(self._bands, self._channels)]
                self._lift(shown, self.hidden_channels[-1])
        if self.haar:
            self.steps.append(HaarBands(self.spatial_dims))
        self.steps.append(DepthToSpace())
        self._level -= 1

    def _spread_signs(self) -> None:
        if self._signs is not None:
            self.steps.append(self._signs)

    def _lift(self, shown: list[int], hidden: int) -> None:
        if not self.lifting:
            return
        changed = [channel for channel in range(self._channels) if channel not in shown]
        self.steps.append(Lifting(self.spatial_dims, shown, changed, self._channels, hidden))
