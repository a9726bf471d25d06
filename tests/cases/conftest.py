"""A network that is never trained, small enough for tests of cases."""

from __future__ import annotations

import pytest

from scripts.networks import FusionINN


@pytest.fixture
def network() -> FusionINN:
    return FusionINN(hidden_channels=4)
