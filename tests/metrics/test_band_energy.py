"""Patterns whose energy is known."""

from __future__ import annotations

import pytest
import torch

from scripts.metrics.band_energy import BANDS, band_energy, band_energy_by_slice, band_sums, energy_ratio


def pattern(along: str) -> torch.Tensor:
    """Lines of ±1 whose sign changes along the columns, along the rows, or along both: a lattice."""
    y, x = torch.meshgrid(torch.arange(8), torch.arange(6), indexing="ij")
    phase = {"LH": x, "HL": y, "HH": x + y}[along]
    return (1 - 2.0 * (phase % 2))[None, None]


@pytest.mark.parametrize("band", BANDS)
def test_lines_and_lattices_have_their_whole_energy_in_one_band(band):
    energy = band_energy(0.1 * pattern(band), torch.ones(1, 1, 8, 6))[0]
    # the transform is orthonormal: four pixels of 0.1 in a block are one detail of 0.2
    assert energy.tolist() == pytest.approx([0.2 if name == band else 0.0 for name in BANDS], abs=1e-7)


def test_only_blocks_wholly_in_the_brain_count():
    brain = torch.zeros(1, 1, 8, 6)
    brain[..., 2:5, 2:6] = 1
    image = pattern("HH")
    image[..., 2:4, 2:6] = 0.5
    sums, blocks = band_sums(image, brain)
    assert blocks.tolist() == [2]
    assert sums.abs().max() == 0
    assert band_energy(image, torch.zeros_like(brain)).isnan().all()


def test_slices_count_by_their_blocks():
    image = torch.cat((pattern("HH"), torch.zeros(1, 1, 8, 6)))
    brain = torch.ones(2, 1, 8, 6)
    brain[1, :, 4:] = 0
    # twelve blocks of energy 4, six without
    assert band_energy(image, brain)[0, 2].item() == pytest.approx((12 * 4 / 18) ** 0.5)


def test_each_slice_has_its_own_energy():
    image = torch.cat((pattern("LH"), 0.5 * pattern("LH"), pattern("LH")))
    brain = torch.ones(3, 1, 8, 6)
    brain[2] = 0
    energy = band_energy_by_slice(image, brain)
    assert energy[:2, 0].flatten().tolist() == pytest.approx([2, 0, 0, 1, 0, 0], abs=1e-6)
    assert energy[2].isnan().all()


def test_the_ratio_is_that_of_the_worst_band_to_the_richer_source():
    sources = torch.tensor([[[0.2, 0.2, 0.1], [0.1, 0.4, 0.1]]])
    fused = torch.tensor([[[0.2, 0.2, 0.3]]])
    assert energy_ratio(fused, sources).item() == pytest.approx(3.0)
    assert energy_ratio(fused, torch.zeros_like(sources)).isnan()
