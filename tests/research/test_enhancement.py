"""Enhancement is what T1 does not explain of T1-Gd; an estimate shows a share of it."""

from __future__ import annotations

import math

import pytest
import torch

from fusioninn_research.enhancement import enhancement, share_kept

T1 = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
TUMOUR = torch.zeros(3, 1, 16, 16, dtype=torch.bool)
TUMOUR[..., 4:8, 4:8] = True
SCALE = torch.tensor([0.5, 0.8, 1.2])[:, None, None, None]
T1GD = SCALE * T1 + 0.1 + 0.3 * TUMOUR


def test_what_is_added_in_the_tumour_is_found_whatever_the_scale_of_a_slice():
    enhanced, explained = enhancement(T1GD, T1, ~TUMOUR)
    assert torch.allclose(enhanced, 0.3 * TUMOUR, atol=1e-5)
    assert torch.allclose(explained, SCALE * T1 + 0.1, atol=1e-5)


@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0, 1.4])
def test_an_estimate_that_shows_a_share_of_it_has_that_share(kept):
    _, explained = enhancement(T1GD, T1, ~TUMOUR)
    estimate = SCALE * T1 + 0.1 + kept * 0.3 * TUMOUR
    assert share_kept(estimate, T1GD, explained, TUMOUR) == pytest.approx(kept, abs=1e-4)


def test_the_source_s_own_fit_is_used_so_an_estimate_that_is_brighter_everywhere_shows_more():
    _, explained = enhancement(T1GD, T1, ~TUMOUR)
    assert share_kept(T1GD + 0.03, T1GD, explained, TUMOUR) == pytest.approx(1.1, abs=1e-4)


def test_slices_that_cannot_be_fitted_are_left_out():
    fitted = ~TUMOUR
    fitted[0] = False
    t1 = T1.clone()
    t1[1] = 0.5
    enhanced, explained = enhancement(T1GD, t1, fitted)
    assert enhanced[:2].isnan().all() and enhanced[2].isfinite().all()
    assert share_kept(T1GD, T1GD, explained, TUMOUR) == pytest.approx(1.0)
    assert math.isnan(share_kept(T1GD[:2], T1GD[:2], explained[:2], TUMOUR[:2]))
