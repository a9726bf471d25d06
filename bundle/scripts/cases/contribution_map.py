"""Map of what each source contributes to the fused image."""

from __future__ import annotations

from torch import nn

from scripts.inferers.maps import contribution_volume
from scripts.inferers.slices_at_once import AUTO
from scripts.outputs.map_files import CONTRIBUTION

from .case import FusedCase


class ContributionMap:
    """Add the derivative of the fused image along each source, in units of the fused image.

    Args:
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
    """

    def __init__(self, slices_at_once: int | str = AUTO) -> None:
        self.slices_at_once = slices_at_once

    def __call__(self, network: nn.Module, case: FusedCase) -> FusedCase:
        """Compute the map.

        Args:
            network: the network that fused.
            case: the fused case.

        Returns:
            the case with a map "contribution".
        """
        axis = case.scale["slice_axis"]
        return case.with_map(CONTRIBUTION, contribution_volume(network, case.image, axis, self.slices_at_once))
