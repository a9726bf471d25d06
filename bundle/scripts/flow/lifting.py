"""A lifting step: some channels, plus what the others show of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .step import FlowStep
from .subnet import Subnet


class Lifting(FlowStep):
    """Add to some channels what a subnetwork makes of others, as in the lifting scheme (Sweldens 1996).

    ::

        v_changed = u_changed + t(u_shown)

    Keeps volume, and starts as the identity. On the bands of an image, t learns to take off the details that other
    bands already tell, which is the scheme's prediction, or to put them back.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3.
        shown: channels that the subnetwork sees.
        changed: channels that it is added to, none of them shown. Channels in neither list stay as they are.
        channels: channels of the input.
        hidden_channels: channels inside the subnetwork.

    Raises:
        ValueError: when a list is empty, or a channel is named twice or does not exist.
    """

    def __init__(
        self, spatial_dims: int, shown: Sequence[int], changed: Sequence[int], channels: int, hidden_channels: int
    ) -> None:
        super().__init__()
        named = [*shown, *changed]
        if not shown or not changed or len(set(named)) < len(named) or not set(named) <= set(range(channels)):
            raise ValueError(
                f"shown and changed must name different ones of {channels} channels, got {list(shown)} and "
                f"{list(changed)}."
            )
        # From a subnetwork's output and one channel of zeros behind it to all channels; memory stays channels-last.
        place = [list(changed).index(channel) if channel in changed else len(changed) for channel in range(channels)]
        self.register_buffer("shown", torch.tensor(list(shown)))
        self.register_buffer("place", torch.tensor(place))
        self.subnet = Subnet(spatial_dims, len(shown), len(changed), hidden_channels)

    def _added(self, x: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        shift = self.subnet(x.index_select(1, self.shown))
        added = torch.cat((shift, torch.zeros_like(shift[:, :1])), dim=1).index_select(1, self.place)
        return added if inside is None else added * inside

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Add."""
        return x + self._added(x, inside)

    @torch.jit.export
    def inverse(self, y: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Subtract: the shown channels are as they were."""
        return y - self._added(y, inside)
