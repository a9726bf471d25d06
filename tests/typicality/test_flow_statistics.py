"""Statistics of slices from the flow."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.typicality.flow_statistics import flow_statistics
from scripts.typicality.fused_density import FusedDensity

DENSITY = FusedDensity((0.6, 0.5, -0.2, 0.0), (0.02, 0.2))


def test_the_density_is_that_of_a_brute_force_jacobian(network):
    network = network.double()
    image = torch.rand(1, 2, 4, 4, dtype=torch.float64)
    everywhere = torch.ones(1, 1, 4, 4, dtype=torch.bool)

    def volume(at: torch.Tensor) -> float:
        jacobian = torch.autograd.functional.jacobian(lambda x: torch.cat(network(x), dim=1).flatten(), at)
        return float(torch.linalg.slogdet(jacobian.reshape(32, 32))[1])

    with torch.no_grad():
        fused, latent = network(image)
    normal = torch.distributions.Normal(0.0, 1.0)
    log_density = -DENSITY.energy(fused).sum() + normal.log_prob(latent).sum() + volume(image)
    # Relative to a black image, whose share of the volume is subtracted.
    expected = -(float(log_density) - volume(torch.zeros_like(image))) / 16
    statistics = flow_statistics(network, image, everywhere, DENSITY)
    assert statistics["energy"][0] == pytest.approx(expected, rel=1e-6)
    parts = statistics["fused_energy"] + statistics["latent_energy"] - statistics["volume"]
    assert statistics["energy"][0] == pytest.approx(float(parts[0]) + math.log(2 * math.pi) / 2)


def test_a_black_surrounding_changes_nothing(network):
    image = torch.zeros(1, 2, 48, 48)
    image[..., 14:34, 14:34] = torch.rand(1, 2, 20, 20)
    brain = (image > 0).any(dim=1, keepdim=True)
    # The signs at both ends of the flow repeat every 128 pixels.
    wide = [torch.nn.functional.pad(part, (128, 8, 128, 8)) for part in (image, brain)]
    first, second = flow_statistics(network, image, brain, DENSITY), flow_statistics(network, *wide, DENSITY)
    for name, values in first.items():
        assert second[name] == pytest.approx(values, rel=3e-3), name


def test_the_batch_size_changes_nothing(network):
    image = torch.rand(5, 2, 16, 16)
    brain = torch.ones(5, 1, 16, 16, dtype=torch.bool)
    one, many = (flow_statistics(network, image, brain, DENSITY, size) for size in (1, 4))
    for name, values in one.items():
        assert many[name] == pytest.approx(values, rel=1e-3), name
        assert len(values) == 5


def test_inconsistency_is_the_error_of_the_estimates(network):
    image = torch.rand(1, 2, 16, 16)
    brain = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    brain[..., 4:9, 5:12] = True
    with torch.no_grad():
        estimate = network.decompose(network(image)[0].clamp(0, 1), "zeros")
    error = (image - estimate)[..., 4:9, 5:12].square().mean(dim=(0, 2, 3))
    statistics = flow_statistics(network, image, brain, DENSITY)
    for i in (0, 1):
        assert statistics[f"inconsistency_{i + 1}"][0] == pytest.approx(math.log10(float(error[i])), abs=1e-3)
