"""Differences of colours, on colours whose place in CIE L*a*b* is known."""

from __future__ import annotations

import numpy as np
import pytest

from fusioninn_research.colour_difference import lab, level_difference, seen_difference

KNOWN = {
    (1, 1, 1): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (1, 0, 0): (53.24, 80.09, 67.20),
    (0, 1, 0): (87.73, -86.18, 83.18),
    (0, 0, 1): (32.30, 79.19, -107.86),
}


@pytest.mark.parametrize("rgb", KNOWN)
def test_srgb_colours_lie_where_the_standard_puts_them(rgb):
    assert np.allclose(lab(np.array(rgb, dtype=float)), KNOWN[rgb], atol=0.06)


def test_grey_has_no_colour_and_the_dark_part_joins_without_a_step():
    grey = np.repeat(np.linspace(0, 1, 500)[:, None], 3, axis=1)
    found = lab(grey)
    assert np.abs(found[:, 1:]).max() < 0.02
    assert (np.diff(found[:, 0]) > 0).all()
    assert np.diff(found[:, 0]).max() < 0.4


def test_differences_are_means_of_levels_and_distances():
    one, other = np.zeros((2, 3, 3)), np.zeros((2, 3, 3))
    other[0, 0] = (1, 0, 0)
    assert level_difference(one, other)[0, 0] == pytest.approx(85)
    assert seen_difference(one, other)[0, 0] == pytest.approx(np.sqrt(53.24**2 + 80.09**2 + 67.20**2), abs=0.1)
    assert level_difference(one, other)[1].max() == seen_difference(one, other)[1].max() == 0
