"""A sheet of pictures of one slice: one tile a method, its scores below it, gaps where there is nothing to show yet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes

from scripts import RESEARCH_NOTICE
from scripts.outputs.page import ACCENT, FAINT, RULE, TEXT, Page, shared_headings, show
from scripts.outputs.zoom import Box, frame_all, frame_part, height_by_width, show_part

# Measures in pixels of the finished picture.
WIDTH, WIDEST_TILE = 1600, 225
MARGIN, ROW_LABEL = 36, 92
GAP, GROUP_GAP = 8, 28
HEADER, GROUP, NAME, SCORE, ROW_GAP = 126, 48, 30, 32, 14
FOOTER_LINE = 24

BOX = "#56b4e9"
GREYS = 112


@dataclass(frozen=True)
class Tile:
    """One picture, or the gap where it is to be.

    Args:
        group: heading that it shares with its neighbours.
        name: its own heading.
        picture: [H, W] as it lies on the page; None is a gap, or an empty place where there is no score either.
        window: values that are drawn black and white. Defaults to (0, 1).
        score: text below it; in a gap, what is missing. Defaults to "".
    """

    group: str
    name: str
    picture: np.ndarray | None
    window: tuple[float, float] = (0.0, 1.0)
    score: str = ""


@dataclass(frozen=True)
class Row:
    """Tiles side by side.

    Args:
        tiles: as many in each row, or fewer in the last.
        label: text on the left. Defaults to "".
    """

    tiles: Sequence[Tile]
    label: str = ""

    @property
    def groups(self) -> list[str]:
        """Heading of each place."""
        return [tile.group for tile in self.tiles]


def wrapped(tiles: Sequence[Tile], columns: int) -> list[Row]:
    """Break tiles into rows."""
    return [Row(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]


class Sheet:
    """Rows of tiles on a page, at most 1600 pixels wide.

    Args:
        rows: what to draw.
        frame: rows and columns of the pictures that are shown.
        pixel_aspect: height of a pixel by its width. Defaults to 1.
        zoom: rows and columns that are framed and shown enlarged below. Defaults to None.
        notes: lines below, each broken where it is too long. Defaults to none.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        frame: Box,
        pixel_aspect: float = 1.0,
        zoom: Box | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.rows, self.frame, self.zoom = rows, frame, zoom
        columns = max(len(row.tiles) for row in rows)
        label = ROW_LABEL if any(row.label for row in rows) else 0
        # places of different groups lie apart where they do so in every row: in a sheet that wraps they are even
        ruled = len({tuple(row.groups) for row in rows}) == 1 or bool(label)
        first = max(rows, key=lambda row: len(row.tiles)).groups
        gaps = [GROUP_GAP if ruled and a != b else GAP for a, b in pairwise(first)]
        fixed = 2 * MARGIN + label + sum(gaps)
        self.tile_width = min((WIDTH - fixed) / columns, WIDEST_TILE)
        self.left = [MARGIN + label + i * self.tile_width + sum(gaps[:i]) for i in range(columns)]
        self.tile_height = self.tile_width * height_by_width(frame, pixel_aspect)
        self.zoom_height = self.tile_width * height_by_width(zoom, pixel_aspect) if zoom else 0
        self.width = fixed + columns * self.tile_width
        self.lines = [line for note in notes for line in wrap(note, int((self.width - 2 * MARGIN) / 9.2))]
        self.heads = [i == 0 or row.groups != rows[i - 1].groups for i, row in enumerate(rows)]
        heights = [self._height(i) for i in range(len(rows))]
        self.top = [HEADER + sum(heights[:i]) for i in range(len(rows))]
        self.bottom = HEADER + sum(heights)
        self.height = self.bottom + 20 + FOOTER_LINE * len(self.lines) + 16

    def _height(self, i: int) -> float:
        head = GROUP + NAME if self.heads[i] else 0
        zoom = GAP + self.zoom_height if self.zoom else 0
        return head + self.tile_height + zoom + SCORE + ROW_GAP

    def save(self, path: str | os.PathLike[str], title: str, subtitle: str) -> None:
        """Draw all of it, and write it as a PNG of few colours.

        Args:
            path: file to write.
            title: what the sheet shows.
            subtitle: of whom; the research notice follows it.

        Raises:
            BadInputError: the file cannot be written.
        """
        self.draw(title, subtitle).save(path, greys=GREYS, accents=(ACCENT, BOX))

    def draw(self, title: str, subtitle: str) -> Page:
        """Draw all of it; arguments as for `save`."""
        page = Page(self.width, self.height)
        page.text(MARGIN, 26, title, fontsize=15, fontweight="bold")
        page.text(MARGIN, 74, f"{subtitle}  {RESEARCH_NOTICE}", fontsize=8.5, color=ACCENT)
        for i, row in enumerate(self.rows):
            top = self.top[i]
            if self.heads[i]:
                self._draw_heads(page, row, top)
                top += GROUP + NAME
            page.text(
                MARGIN, top + self.tile_height / 2, row.label, fontsize=8, color=FAINT, va="center", linespacing=1.5
            )
            for left, tile in zip(self.left, row.tiles, strict=False):
                self._draw_tile(page, tile, left, top)
        page.lines(MARGIN, self.bottom + 20, self.lines, FOOTER_LINE)
        return page

    def _draw_heads(self, page: Page, row: Row, top: float) -> None:
        for group, first, last in shared_headings(row.groups):
            start, end = self.left[first], self.left[last] + self.tile_width
            size = 9.5 * min(1.0, (end - start) / (13.0 * len(group)))
            style = {"fontweight": "bold", "ha": "center", "va": "baseline"}
            page.text((start + end) / 2, top + 28, group, fontsize=size, **style)
            page.rule(start, end, top + 40)
        for left, tile in zip(self.left, row.tiles, strict=False):
            size = 8.5 * min(1.0, self.tile_width / (10.8 * max(len(tile.name), 1)))
            middle = left + self.tile_width / 2
            page.text(middle, top + GROUP + 21, tile.name, fontsize=size, ha="center", va="baseline")

    def _draw_tile(self, page: Page, tile: Tile, left: float, top: float) -> None:
        middle = left + self.tile_width / 2
        whole = page.panel(left, top, self.tile_width, self.tile_height)
        below = top + self.tile_height + (GAP + self.zoom_height if self.zoom else 0)
        if tile.picture is None:
            if tile.score:
                _mark_gap(whole, tile.score)
            return
        _show(whole, tile, self.frame)
        if self.zoom:
            frame_part(whole, self.zoom, edgecolor=BOX, linewidth=0.9)
            part = page.panel(left, top + self.tile_height + GAP, self.tile_width, self.zoom_height)
            _show(part, tile, self.zoom)
            frame_all(part, edgecolor=BOX, linewidth=1.8)
        size = 8.0 * min(1.0, self.tile_width / (10.2 * max(len(tile.score), 1)))
        page.text(middle, below + 22, tile.score, fontsize=size, ha="center", va="baseline", color=TEXT)


def _show(axes: Axes, tile: Tile, box: Box) -> None:
    show(axes, tile.picture, tile.window)
    show_part(axes, box)


def _mark_gap(axes: Axes, missing: str) -> None:
    frame_all(axes, edgecolor=RULE, linewidth=2.0, linestyle=(0, (3, 3)))
    words = "\n".join(wrap(missing, 16))
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, color=FAINT, fontsize=8, ha="center", va="center", linespacing=1.6
    )
