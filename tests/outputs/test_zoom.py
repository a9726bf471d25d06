"""A part of a picture, framed and enlarged."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from scripts.outputs.zoom import frame_all, frame_part, height_by_width, show_part

BOX = (slice(10, 20), slice(5, 25))


@pytest.fixture
def axes():
    return Figure().add_axes((0, 0, 1, 1))


def test_a_part_of_tall_pixels_is_taller():
    assert height_by_width(BOX) == 0.5
    assert height_by_width(BOX, pixel_aspect=3.0) == 1.5


def test_a_frame_runs_along_the_borders_of_the_pixels(axes):
    frame_part(axes, BOX, edgecolor="#34c759")
    (frame,) = axes.patches
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (4.5, 9.5, 20, 10)
    assert to_hex(frame.get_edgecolor()) == "#34c759"
    assert not frame.get_fill()


def test_the_frame_of_all_does_not_move_with_the_picture(axes):
    frame_all(axes)
    show_part(axes, BOX)
    (frame,) = axes.patches
    assert frame.get_window_extent().bounds == axes.get_window_extent().bounds


def test_the_part_alone_is_shown_with_its_first_row_on_top(axes):
    show_part(axes, BOX)
    assert axes.get_xlim() == (4.5, 24.5)
    assert axes.get_ylim() == (19.5, 9.5)
