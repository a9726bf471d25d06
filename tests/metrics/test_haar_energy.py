"""A lattice is seen in the band that it lies in, and only inside the region."""

from __future__ import annotations

import pytest
import torch

from scripts.metrics.haar_energy import BANDS, haar_energy, haar_ratio

ROWS, COLUMNS = torch.meshgrid(torch.arange(8), torch.arange(10), indexing="ij")
PATTERNS = {"HL": COLUMNS % 2, "LH": ROWS % 2, "HH": (ROWS + COLUMNS) % 2}


@pytest.mark.parametrize("band", BANDS)
def test_a_pattern_of_alternating_pixels_lies_in_its_own_band(band):
    energy = haar_energy(0.1 * PATTERNS[band].float()[None, None], torch.ones(1, 1, 8, 10))
    # Two pixels of 0.1 and two of 0 give (0.1 + 0.1) / 2.
    assert dict(zip(BANDS, energy[0, 0].tolist(), strict=True)) == pytest.approx(
        {name: 0.1 if name == band else 0.0 for name in BANDS}, abs=1e-7
    )


def test_only_whole_blocks_in_the_region_count():
    image = torch.zeros(1, 1, 8, 10)
    image[..., 4, 4] = 1.0
    mask = torch.ones(1, 1, 8, 10)
    assert (haar_energy(image, mask) > 0).all()
    mask[..., 5, 5] = 0
    assert (haar_energy(image, mask) == 0).all()
    assert haar_energy(image, torch.zeros_like(mask)).isnan().all()


def test_an_odd_last_row_or_column_is_left_out():
    image = torch.rand(2, 3, 9, 11)
    mask = torch.ones(2, 1, 9, 11)
    assert torch.equal(haar_energy(image, mask), haar_energy(image[..., :8, :10], mask[..., :8, :10]))


def test_the_ratio_is_that_of_the_worst_band_to_the_richer_source():
    sources = torch.tensor([[[0.2, 0.2, 0.1], [0.1, 0.4, 0.1]]])
    fused = torch.tensor([[[0.2, 0.2, 0.3]]])
    assert haar_ratio(fused, sources).item() == pytest.approx(3.0)
    assert haar_ratio(fused, torch.zeros_like(sources)).isnan()
