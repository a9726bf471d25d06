"""A pattern of two pixels is measured in grey levels; anatomy, noise and other places are not counted."""

from __future__ import annotations

import pytest
import torch

from scripts.metrics.haar_energy import BANDS
from scripts.metrics.repeating_pattern import repeating_pattern, windows_where_sources_differ

ROWS, COLUMNS = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
PATTERNS = {"HL": COLUMNS % 2, "LH": ROWS % 2, "HH": (ROWS + COLUMNS) % 2}
EVERYWHERE = torch.ones(1, 1, 48, 64)


@pytest.mark.parametrize("band", BANDS)
def test_a_pattern_of_one_grey_level_up_and_down_has_an_amplitude_of_one_in_its_band(band):
    image = 0.5 + (2 * PATTERNS[band] - 1)[None, None] / 255
    amplitude = repeating_pattern(image, EVERYWHERE)
    assert amplitude.shape == (1, 1, 3, 3, 4)
    for i, name in enumerate(BANDS):
        assert amplitude[:, :, i].numpy() == pytest.approx(1.0 if name == band else 0.0, abs=1e-4)


def test_a_gradient_has_none_along_both_axes_and_noise_little():
    assert repeating_pattern((ROWS * COLUMNS / 4000)[None, None], EVERYWHERE)[:, :, 2].max() < 0.05
    noise = torch.randn(1, 1, 48, 64, generator=torch.Generator().manual_seed(0)) / 255
    # 64 blocks, whose band has the standard deviation of a pixel: 1 / 8 of it, and half of that.
    assert repeating_pattern(noise, EVERYWHERE)[:, :, 2].square().mean().sqrt() == pytest.approx(1 / 16, rel=0.35)


def test_signs_that_change_at_random_are_no_repeating_pattern():
    signs = torch.randint(0, 2, (24, 32), generator=torch.Generator().manual_seed(1)).float() * 2 - 1
    lattice = (2 * PATTERNS["HH"] - 1) * signs.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert repeating_pattern(0.5 + lattice[None, None] / 255, EVERYWHERE)[:, :, 2].median() < 0.2


def test_only_windows_that_lie_in_the_region_altogether_count():
    region = EVERYWHERE.clone()
    region[..., 20, 40] = 0
    amplitude = repeating_pattern(torch.rand(1, 2, 48, 64), region)
    missing = amplitude.isnan().any(dim=(0, 1, 2)).nonzero().tolist()
    assert missing == [[1, 2]]


def test_what_fills_no_window_is_left_out():
    image = torch.rand(1, 1, 50, 70)
    region = torch.ones(1, 1, 50, 70)
    assert torch.equal(repeating_pattern(image, region), repeating_pattern(image[..., :48, :64], EVERYWHERE))


def test_slices_smaller_than_a_window_are_refused():
    with pytest.raises(ValueError, match="slices are 15 x 64, expected 16 x 16 pixels or more"):
        repeating_pattern(torch.rand(1, 1, 15, 64), torch.ones(1, 1, 15, 64))


def test_windows_where_the_sources_differ_are_found_and_fine_texture_is_not():
    image = torch.zeros(1, 2, 32, 32)
    image[:, 0, :16, :16] = 0.4
    image[:, 0, 16:, 16:] = 0.3
    image[:, 0, :16, 16:] = PATTERNS["HH"][:16, 16:32].float()
    image[:, 1, :16, 16:] = 1 - PATTERNS["HH"][:16, 16:32].float()
    assert windows_where_sources_differ(image).tolist() == [[[True, False], [False, False]]]
