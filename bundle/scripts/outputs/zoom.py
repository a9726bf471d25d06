"""Frame a part of a picture, and show it enlarged."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

Box = tuple[slice, slice]
"""Rows and columns of a picture."""


def height_by_width(box: Box, pixel_aspect: float = 1.0) -> float:
    """Return the ratio of a part's height to its width.

    Args:
        box: the part.
        pixel_aspect: ratio of a pixel's height to its width. Defaults to 1.
    """
    rows, columns = (part.stop - part.start for part in box)
    return rows * pixel_aspect / columns


def frame_part(axes: Axes, box: Box, **style: Any) -> None:
    """Draw a line around a part of the picture in `axes`; `style` as for matplotlib's patches."""
    rows, columns = box
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axes.add_patch(Rectangle(corner, *size, fill=False, **style))


def frame_all(axes: Axes, **style: Any) -> None:
    """Draw a line around `axes`; `style` as for matplotlib's patches."""
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, **style))


def show_part(axes: Axes, box: Box) -> None:
    """Show only a part of the picture in `axes`."""
    rows, columns = box
    axes.set_xlim(columns.start - 0.5, columns.stop - 0.5)
    axes.set_ylim(rows.stop - 0.5, rows.start - 0.5)
