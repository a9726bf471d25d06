"""A density of the fused image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.typicality.fused_density import FusedDensity

DENSITY = FusedDensity((0.5, 0.4, -0.2, 0.1), (0.05, 0.3))


def test_each_factor_integrates_to_one():
    values = torch.linspace(-6, 6, 20001)
    images = torch.rand(1, 1, 2, 2).repeat(len(values), 1, 1, 1)
    images[:, 0, 1, 1] = values
    density = torch.exp(-DENSITY.energy(images)[:, 0, 1, 1])
    assert float(torch.trapezoid(density, values)) == pytest.approx(1, abs=1e-3)


def test_a_known_pixel_has_the_known_energy():
    image = torch.tensor([[0.4, 0.6], [0.5, 0.9]])[None, None]
    expected, scale = 0.5 * 0.5 + 0.4 * 0.6 - 0.2 * 0.4 + 0.1, 0.05 + 0.3 * (0.1 + 0.2)
    energy = abs(0.9 - expected) / scale + np.log(2 * scale)
    assert float(DENSITY.energy(image)[0, 0, 1, 1]) == pytest.approx(energy, rel=1e-5)


def test_no_pixel_depends_on_later_ones():
    image = torch.rand(1, 1, 6, 7, requires_grad=True)
    DENSITY.energy(image)[0, 0, 3, 4].backward()
    read = image.grad[0, 0].nonzero().tolist()
    assert read == [[2, 3], [2, 4], [3, 3], [3, 4]]


def test_a_fit_finds_the_process_that_made_the_images():
    noise = np.random.default_rng(0).laplace(size=(80, 80))
    image = np.zeros((80, 80))
    for i in range(1, 80):
        for j in range(1, 80):
            image[i, j] = 0.5 * image[i, j - 1] + 0.3 * image[i - 1, j] + 0.1 + 0.05 * noise[i, j]
    inside = torch.zeros(1, 1, 80, 80, dtype=torch.bool)
    inside[..., 2:, 2:] = True
    density = FusedDensity.fit([(torch.from_numpy(image)[None, None], inside)])
    assert density.weights == pytest.approx((0.5, 0.3, 0.0, 0.1), abs=0.04)
    assert density.spread == pytest.approx((0.05, 0.0), abs=0.015)
