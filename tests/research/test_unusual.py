"""Pairs made unusual."""

from __future__ import annotations

import pytest
import torch

from drawn_head import two_sources_of_a_head
from fusioninn_research.unusual import UNUSUAL, inverted, shifted, stripped_alike, with_head
from scripts.data.slices import brain_mask


@pytest.fixture
def case():
    """Two sources of one head."""
    return two_sources_of_a_head()


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_pair_is_changed_and_the_given_one_left_alone(case, name):
    before = case.clone()
    changed = UNUSUAL[name](case)
    assert torch.equal(case, before)
    assert changed.shape == case.shape
    assert torch.isfinite(changed).all()
    assert (changed >= 0).all()
    assert not torch.equal(changed, case)


def test_swapped_and_twice(case):
    assert torch.equal(UNUSUAL["swapped"](case)[0], case[1])
    twice = UNUSUAL["second source twice"](case)
    assert torch.equal(twice[0], case[1]) and torch.equal(twice[1], case[1])


def test_a_shift_moves_the_second_source_alone(case):
    changed = shifted(10)(case)
    assert torch.equal(changed[0], case[0])
    assert torch.equal(changed[1, 7:, 7:], case[1, :-7, :-7])


def test_outlines_of_what_is_stripped_alike_agree(case):
    first, second = stripped_alike(shifted(5))(case)
    assert torch.equal(first > 0, second > 0)


def test_inverting_leaves_the_background_black(case):
    changed = inverted((1,))(case)
    brain = brain_mask(case)[0]
    assert (changed[1][~brain] == 0).all()
    assert torch.equal(changed[0], case[0])
    assert float(torch.corrcoef(torch.stack((changed[1][brain], case[1][brain])))[0, 1]) < -0.5


def test_a_head_surrounds_the_brain_and_leaves_it_alone(case):
    wide = torch.nn.functional.pad(case, (0, 0, 24, 24, 24, 24))
    changed = with_head(wide)
    brain = brain_mask(wide)[0]
    assert torch.equal(changed[:, brain], wide[:, brain])
    assert (changed > 0).any(dim=0).sum() > 1.5 * brain.sum()
