"""Choosing the slices of a case."""

from __future__ import annotations

import pytest
import torch

from scripts.typicality.chosen_slices import MARGIN, chosen_slices


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_with_much_brain_are_taken_evenly_and_cut_to_it(axis):
    image = torch.zeros(2, 60, 60, 30)
    image[:, 20:40, 25:35, 5:25] = 1.0
    image[:, 20:22, 25:27, 26] = 1.0  # too little
    numbers, pages, brain = chosen_slices(image.movedim(3, axis + 1), axis, 4)
    assert numbers == [7, 12, 17, 22]
    assert pages.shape == (4, 2, 20 + 2 * MARGIN, 10 + 2 * MARGIN)
    assert brain.shape == (4, 1, 20 + 2 * MARGIN, 10 + 2 * MARGIN)
    assert int(brain.sum()) == 4 * 200


def test_few_slices_are_all_taken(case):
    numbers, pages, _ = chosen_slices(case, 2, 99)
    assert numbers == list(range(6))
    assert len(pages) == 6


def test_a_black_image_has_none():
    numbers, pages, _ = chosen_slices(torch.zeros(2, 9, 9, 3), 2, 4)
    assert numbers == []
    assert len(pages) == 0
