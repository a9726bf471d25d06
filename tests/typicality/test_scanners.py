"""Simulation of other scanners."""

from __future__ import annotations

import pytest
import torch

from scripts.typicality.scanners import SCANNERS, THICK, thick_and_coarse


def test_the_first_changes_nothing(case):
    assert next(iter(SCANNERS.values()))(case, 2) is case


@pytest.mark.parametrize("name", SCANNERS)
def test_black_stays_black(case, name):
    changed = SCANNERS[name](case, 2)
    if changed.shape == case.shape:
        assert (changed[case == 0] == 0).all()


def test_thick_slices_are_means_with_few_grey_values():
    image = torch.rand(2, 8, 9, 20)
    for axis in range(3):
        changed = thick_and_coarse(image.movedim(3, axis + 1), axis).movedim(axis + 1, 3)
        assert changed.shape == (2, 8, 9, 20 // THICK)
        assert len(changed.unique()) <= 256
        mean = image[..., :THICK].mean(dim=3)
        top = image.unfold(3, THICK, THICK).mean(dim=4).amax(dim=(1, 2, 3)).view(2, 1, 1)
        assert changed[..., 0] == pytest.approx(mean / top, abs=1 / 255)


def test_few_slices_stay_as_thick_as_they_are(case):
    assert thick_and_coarse(case, 2).shape == case.shape
