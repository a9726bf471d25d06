"""A small network, and a pair of slices that its reference is fitted to."""

from __future__ import annotations

import pytest
import torch

from drawn_head import two_sources_of_a_head
from scripts.networks import FusionINN
from scripts.typicality.fused_density import FusedDensity
from scripts.typicality.mahalanobis import Mahalanobis
from scripts.typicality.reference import Reference, rows_of
from scripts.typicality.statistics import case_statistics


@pytest.fixture
def network() -> FusionINN:
    """A network that is not the plain average, in single precision."""
    network = FusionINN(hidden_channels=4).eval()
    for name, weight in network.named_parameters():
        if "conv_1" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return network


@pytest.fixture
def case() -> torch.Tensor:
    """Two sources [2, 40, 36, 6] of one head: the first bright inside, the second at its border."""
    return two_sources_of_a_head()


@pytest.fixture
def reference(network, case) -> Reference:
    """A reference fitted to variations of the case."""
    density = FusedDensity((0.6, 0.5, -0.2, 0.0), (0.02, 0.2))
    generator = torch.Generator().manual_seed(2)
    groups = []
    for strength in (0.1, 0.2, 0.3):
        noise = strength * torch.rand(case.shape, generator=generator) * (case > 0)
        groups.append(case_statistics(network, case + noise, 2, density, 6)[1])

    def distribution(*names: str) -> Mahalanobis:
        return Mahalanobis.fit(names, [rows_of(group, names) for group in groups])

    return Reference(
        checkpoint_sha256="ab" * 32,
        sources=("t1gd", "flair"),
        slices=4,
        density=density,
        usual=distribution("rank_correlation", "edges", "latent_energy"),
        order=distribution("rim_1", "rim_2"),
        threshold=5.0,
        false_alarm_rate=0.05,
    )
