"""The statistics of a case."""

from __future__ import annotations

import numpy as np
import torch

from scripts.typicality.fused_density import FusedDensity
from scripts.typicality.statistics import FLOW_STATISTICS, PICTURE_STATISTICS, case_statistics

DENSITY = FusedDensity((0.6, 0.5, -0.2, 0.0), (0.02, 0.2))


def test_every_statistic_is_there_for_every_slice(network, case):
    numbers, statistics = case_statistics(network, case, 2, DENSITY, 3)
    assert numbers == [1, 3, 5]
    assert set(statistics) == {*PICTURE_STATISTICS, *FLOW_STATISTICS}
    assert all(values.shape == (3,) and np.isfinite(values).all() for values in statistics.values())


def test_a_black_case_has_none(network):
    numbers, statistics = case_statistics(network, torch.zeros(2, 9, 9, 3), 2, DENSITY, 3)
    assert numbers == []
    assert set(statistics) == {*PICTURE_STATISTICS, *FLOW_STATISTICS}
