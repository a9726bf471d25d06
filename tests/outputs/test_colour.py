"""Colour that preserves the luminance."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.data.colour import luminance_and_chroma
from scripts.outputs.colour import colour_at, colour_levels

PURE = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "orange": (1, 0.6, 0),
    "grey": (0.4, 0.4, 0.4),
}


def chroma_of(*rgb):
    return luminance_and_chroma(np.array([[rgb]], dtype=np.float64))[1]


@pytest.mark.parametrize("name", PURE)
def test_a_colour_at_its_own_luminance_is_itself(name):
    luminance, chroma = luminance_and_chroma(np.array([[PURE[name]]], dtype=np.float64))
    assert np.allclose(colour_at(luminance, chroma), PURE[name], atol=1e-6)
    assert np.array_equal(colour_levels(luminance, chroma)[0, 0], np.rint(np.multiply(PURE[name], 255)))


@pytest.mark.parametrize("name", PURE)
@pytest.mark.parametrize("wanted", [0.0, 0.02, 0.3, 0.5, 0.77, 1.0])
def test_the_luminance_is_kept_regardless_of_the_colour(name, wanted):
    colour = colour_at(np.full((1, 1), wanted), chroma_of(*PURE[name]))
    assert colour.min() >= 0
    assert colour.max() <= 1
    assert luminance_and_chroma(colour)[0] == pytest.approx(wanted, abs=1e-6)


def test_a_colour_that_a_luminance_lacks_is_moved_towards_grey_just_as_far_as_needed():
    """Blue at half the brightness: its own chroma shrunk until the blue channel is full."""
    colour = colour_at(np.full((1, 1), 0.5), chroma_of(0, 0, 1))[0, 0]
    assert colour[2] == pytest.approx(1)
    assert np.allclose(colour[:2], 0.5 - 0.5 * 0.114 / 0.886, atol=1e-6)


def test_black_and_white_have_no_colour():
    assert np.allclose(colour_at(np.array([[0.0, 1.0]]), np.repeat(chroma_of(1, 0, 0), 2, axis=2))[0, 0], 0)
    assert np.allclose(colour_at(np.array([[0.0, 1.0]]), np.repeat(chroma_of(1, 0, 0), 2, axis=2))[0, 1], 1)


def test_eight_bits_a_channel_hold_the_luminance_five_times_finer_than_eight_bits_of_grey():
    rng = np.random.default_rng(0)
    luminance = rng.random((90, 101))
    chroma = luminance_and_chroma(rng.random((90, 101, 3)))[1]
    levels = colour_levels(luminance, chroma)
    error = np.abs(luminance_and_chroma(levels / 255)[0] - luminance) * 255
    assert levels.dtype == np.uint8
    assert error.max() < 0.5
    assert error.mean() < 0.03
    by_channel = np.rint(colour_at(luminance, chroma) * 255)
    assert error.mean() < np.abs(luminance_and_chroma(by_channel / 255)[0] - luminance).mean() * 255 / 5


def test_rounding_moves_no_channel_by_more_than_a_level_and_a_half():
    rng = np.random.default_rng(1)
    luminance, chroma = luminance_and_chroma(rng.random((40, 41, 3)))
    assert np.abs(colour_levels(luminance, chroma) - 255 * colour_at(luminance, chroma)).max() <= 1.5
