"""A simple synthetic head for tests of statistics."""

from __future__ import annotations

import numpy as np
import torch


def two_sources_of_a_head() -> torch.Tensor:
    """Two sources [2, 40, 36, 6] of one head: the first bright inside, the second at its border."""
    generator = torch.Generator().manual_seed(1)
    x, y = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 36), indexing="ij")
    radius = torch.from_numpy(np.hypot(x, 1.1 * y)).float()[..., None]
    noise = torch.rand(2, 40, 36, 6, generator=generator)
    blobs = torch.nn.functional.avg_pool3d(noise[:1], (5, 5, 1), 1, (2, 2, 0)).expand(2, -1, -1, -1)
    image = torch.stack((1.2 - radius, 0.3 + radius)).expand(2, 40, 36, 6) + 4 * blobs + 0.1 * noise
    return image * (radius < 0.8)
