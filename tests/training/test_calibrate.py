"""The factors of a trained head, and the file that ships."""

from __future__ import annotations

import pytest
import torch

from scripts.inferers.error_scale import ErrorScaleInferer
from scripts.metrics.reliability import calibration_factor
from scripts.networks.uncertainty import UncertaintyHead
from scripts.training.calibrate import calibrate


@pytest.fixture
def items():
    brain = torch.zeros(1, 16, 16, dtype=torch.bool)
    brain[:, 3:12, 2:14] = True
    return [{"image": torch.rand(2, 16, 16), "brain": brain} for _ in range(4)]


def test_afterwards_the_doubt_is_as_large_as_the_error_inside_the_brain(network, items):
    head = UncertaintyHead()
    factors = calibrate(head, network, items)
    assert all(factor != pytest.approx(1) for factor in factors)
    image = torch.stack([item["image"] for item in items]).repeat_interleave(2, dim=0)
    with torch.no_grad():
        result = ErrorScaleInferer(network)(image, head)
    for source in range(2):
        error, sigma = (result[name][:, source, 3:12, 2:14].numpy() for name in ("error", "sigma"))
        assert calibration_factor(error, sigma) == pytest.approx(1, abs=1e-4)


def test_the_file_holds_the_head_with_its_factors(tmp_path, network, items):
    head = UncertaintyHead(belongs_to="cd" * 32)
    factors = calibrate(head, network, items, step=2, path=tmp_path / "new" / "head.pt")
    other = UncertaintyHead()
    other.load_state_dict(torch.load(tmp_path / "new" / "head.pt", weights_only=True))
    assert other.factor.tolist() == pytest.approx(factors)
    assert other.belongs_to == "cd" * 32
