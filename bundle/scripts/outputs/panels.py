"""Draw rows of pictures under headings, with optional outlines and enlarged parts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes

from scripts import RESEARCH_NOTICE
from scripts.outputs.page import ACCENT, FAINT, Page, shared_headings, show
from scripts.outputs.zoom import Box, frame_all, frame_part, height_by_width, show_part

# Sizes in pixels of the final picture.
WIDTH, WIDEST_PANEL = 1500, 300
MARGIN, ROW_LABEL = 36, 112
GAP, GROUP_GAP, ZOOM_GAP, CAPTION = 6, 26, 6, 38
HEADER, FOOTER_LINE = 196, 22
CHARACTER = 8.2
"""Width of a character of the footnote."""

OUTLINE, BOX = "#ff3b30", "#34c759"


@dataclass
class Panel:
    """One picture.

    Args:
        picture: [H, W] or [H, W, 3]; whole numbers are levels, 0 to the highest of their type, others lie in [0, 1].
        caption: text below it. Defaults to "".
    """

    picture: np.ndarray
    caption: str = ""


@dataclass
class Row:
    """Pictures of one scene, all of the same size.

    Args:
        label: text on the left. Defaults to "".
        panels: the pictures.
        outline: mask [H, W] whose border is drawn in red. Defaults to None.
        box: rows and columns framed in green and shown enlarged below. Defaults to None.
        pixel_aspect: height of a pixel by its width. Defaults to 1.
    """

    label: str
    panels: Sequence[Panel]
    outline: np.ndarray | None = None
    box: Box | None = None
    pixel_aspect: float = 1.0

    def height(self, width: float) -> float:
        """Return the height of a panel for a given width."""
        whole = tuple(slice(0, size) for size in self.panels[0].picture.shape[:2])
        return width * height_by_width(whole, self.pixel_aspect)

    def zoom_height(self, width: float) -> float:
        """Return the height of the enlarged part, 0 without one."""
        return 0.0 if self.box is None else width * height_by_width(self.box, self.pixel_aspect)


def draw_panels(
    path: str | os.PathLike[str],
    title: str,
    groups: Sequence[str],
    headings: Sequence[str],
    rows: Sequence[Row],
    footnote: str,
    greys: int | None = None,
) -> None:
    """Draw rows of pictures.

    Args:
        path: PNG file to write.
        title: what the picture is of.
        groups: heading over each column, shared by neighbours.
        headings: second heading of each column; "" where the rows differ.
        rows: the rows.
        footnote: explanation of how to read the picture.
        greys: see `Page.save`; for grey pictures only. Defaults to None.

    Raises:
        BadInputError: the file cannot be written.
        ValueError: rows of another number of pictures than there are headings.
    """
    if any(len(row.panels) != len(groups) for row in rows) or len(headings) != len(groups):
        raise ValueError(f"{len(groups)} columns want as many headings and pictures in each row.")
    label = ROW_LABEL if any(row.label for row in rows) else 0
    gaps = [GAP if a == b else GROUP_GAP for a, b in pairwise(groups)]
    fixed = 2 * MARGIN + label + sum(gaps)
    width = min((WIDTH - fixed) / len(groups), WIDEST_PANEL)
    left = [MARGIN + label + i * width + sum(gaps[:i]) for i in range(len(groups))]
    heights = [row.height(width) + (ZOOM_GAP + row.zoom_height(width) if row.box else 0) + CAPTION for row in rows]
    page_width = fixed + len(groups) * width
    lines = wrap(footnote, int((page_width - 2 * MARGIN) / CHARACTER))
    page = Page(page_width, HEADER + sum(heights) + 20 + FOOTER_LINE * len(lines) + 14)

    _draw_heading(page, title, groups, headings, left, width)
    top = float(HEADER)
    for row, height in zip(rows, heights, strict=True):
        _draw_row(page, row, left, top, width)
        top += height
    page.lines(MARGIN, top + 12, lines, FOOTER_LINE)
    page.save(path, greys, (ACCENT, OUTLINE, BOX))


def _draw_heading(
    page: Page, title: str, groups: Sequence[str], headings: Sequence[str], left: Sequence[float], width: float
) -> None:
    fits = int((page.width - 2 * MARGIN) / 19)
    title = title if len(title) <= fits else title[: fits - 1] + "…"
    page.text(MARGIN, 26, title, fontsize=15, fontweight="bold")
    page.text(MARGIN, 72, f"FusionINN.  {RESEARCH_NOTICE}", fontsize=8.5, color=ACCENT)
    for group, first, last in shared_headings(groups):
        start, end = left[first], left[last] + width
        page.text((start + end) / 2, 112, group, fontsize=9.5, fontweight="bold", ha="center")
        page.rule(start, end, 144)
    for x, heading in zip(left, headings, strict=True):
        size = 8.0 * min(1.0, width / (9.5 * max(len(heading), 1)))
        page.text(x + width / 2, 155, heading, fontsize=size, ha="center")


def _draw_row(page: Page, row: Row, left: Sequence[float], top: float, width: float) -> None:
    height, zoom = row.height(width), row.zoom_height(width)
    page.text(MARGIN, top + height / 2, row.label, fontsize=7.5, color=FAINT, va="center", linespacing=1.6)
    for x, panel in zip(left, row.panels, strict=True):
        axes = page.panel(x, top, width, height)
        picture = _in_unit_range(panel.picture)
        show(axes, picture)
        bottom = top + height
        _outline(axes, row.outline, 0.5 if row.box else 0.9)
        if row.box is not None:
            frame_part(axes, row.box, edgecolor=BOX, linewidth=1.2)
            below = page.panel(x, bottom + ZOOM_GAP, width, zoom)
            show(below, picture)
            _outline(below, row.outline, 0.9)
            show_part(below, row.box)
            frame_all(below, edgecolor=BOX, linewidth=2.4)
            bottom += ZOOM_GAP + zoom
        page.text(x + width / 2, bottom + 7, panel.caption, fontsize=7.5, ha="center")


def _in_unit_range(picture: np.ndarray) -> np.ndarray:
    return picture / np.iinfo(picture.dtype).max if picture.dtype.kind in "iu" else picture


def _outline(axes: Axes, mask: np.ndarray | None, width: float) -> None:
    if mask is not None and mask.any() and not mask.all():
        axes.contour(mask.astype(float), levels=[0.5], colors=[OUTLINE], linewidths=width)
