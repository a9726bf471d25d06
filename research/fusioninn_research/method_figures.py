"""Methods, or settings of one method, side by side on one slice: Figs. 4 and 5 of the paper."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from textwrap import fill
from typing import Any

import numpy as np

from scripts.outputs.overview import DISPLAY_NAMES
from scripts.outputs.panels import Panel, Row, draw_panels
from scripts.outputs.slice_choice import grey_window
from scripts.outputs.zoom import Box

from .cell_sample import apply_cell, budget_words
from .cells import cells_of
from .grid import Grid
from .sample import Result, Sample

SOURCES, DECOMPOSED = "Sources", "decomposed (estimates)"
GREYS = 112
LABEL = 13
"""Characters of a line to the left of a row."""
BRIGHT = 99.9
"""Percentile that is drawn white: a bright lesion is what the reader looks at."""

HOW_TO_READ = (
    "Below a fused image: its SSIM with {sources} in turn, over the whole slice. Below a decomposed one: with its "
    "source. Decomposed images are estimates, made from the stored fused image alone. All fused images share one grey "
    "window, and so do a source and its estimates.{zoom}"
)


@dataclass(frozen=True)
class Tile:
    """One picture of a figure, or a gap.

    Args:
        group: heading that it shares with others.
        name: its own name.
        picture: [H, W] as it lies on the page; None is a gap.
        window: values that are drawn black and white. Defaults to (0, 1).
        score: text below it; in a gap, what is missing. Defaults to "".
    """

    group: str
    name: str
    picture: np.ndarray | None
    window: tuple[float, float] = (0.0, 1.0)
    score: str = ""

    def panel(self, frame: Box, caption: str) -> Panel:
        """The part of the picture inside a frame; black in a gap."""
        if self.picture is None:
            return Panel(np.zeros([part.stop - part.start for part in frame]), caption)
        low, high = self.window
        return Panel(np.clip((self.picture[frame] - low) / (high - low), 0.0, 1.0), caption)


class MethodFigure:
    """Fig. 4: the sources, their fusion by every method, and the estimates of the sources.

    Args:
        grid: where the cells are, and what trains them.
        rows: methods as in Table 1, see `cells_of`.
        sample: the slice.
        sources: names of the sources.
        seed: seed of the training. Defaults to 0.
        leave_out: names of rows that are not shown. Defaults to none.
        groups: heading of a row by its "method"; "Fused" for others. Defaults to none.
        decomposed: "method" of the rows whose estimates are shown at the end. Defaults to FusionINN.
        columns: largest number of pictures in a row. Defaults to 6.
        credit: source and licence of the patient's images, told below. Defaults to None.
    """

    def __init__(
        self,
        grid: Grid,
        rows: Sequence[Mapping[str, Any]],
        sample: Sample,
        sources: Sequence[str],
        seed: int = 0,
        leave_out: Sequence[str] = (),
        groups: Mapping[str, str] | None = None,
        decomposed: Sequence[str] = ("fusioninn",),
        columns: int = 6,
        credit: str | None = None,
    ) -> None:
        self.grid, self.sample, self.sources = grid, sample, list(sources)
        self.rows = [(row, cells_of(row, [seed])[0]) for row in rows if row["name"] not in leave_out]
        self.groups = dict(groups or {})
        self.decomposed = list(decomposed)
        self.columns = columns
        self.credit = credit

    def tiles(self) -> list[Tile]:
        """Apply every method; the tiles from the sources to the estimates."""
        tiler = _Tiler(self.sample, self.sources)
        fused, estimates = [], []
        for row, cell in self.rows:
            name, group = row["name"], self.groups.get(row["method"], "Fused")
            result = apply_cell(self.grid, cell, self.sample)
            fused.append(tiler.fused(group, name, result))
            if row["method"] in self.decomposed:
                estimates += tiler.estimates(f"{name}, {DECOMPOSED}", result)
        return [*tiler.sources(), *fused, *estimates]

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Train what is missing, then draw.

        Raises:
            BadInputError: a cell was made with other settings, or the file cannot be written.
        """
        cells = [cell for _, cell in self.rows]
        self.grid.run(cells)
        rows = []
        for group, members in groupby(self.tiles(), lambda tile: tile.group):
            panels = [tile.panel(self.sample.frame, f"{tile.name}\n{tile.score}".strip()) for tile in members]
            parts = [panels[i : i + self.columns] for i in range(0, len(panels), self.columns)]
            rows += [Row(fill(group, LABEL), part) for part in parts]
        none = [""] * self.columns
        notes = [how_to_read(self.sources, self.sample), budget_words(self.grid, cells), self.credit]
        _draw(path, "Methods side by side", none, none, rows, self.sample, notes)


class SettingFigure:
    """Fig. 5: fused images and estimates of one method with several settings.

    Args:
        grid: where the cells are, and what trains them.
        rows: settings as in Table 2, see `cells_of`.
        groups: headings by the "group" of the rows, in the order in which they are shown; others are left out.
        sample: the slice.
        sources: names of the sources.
        seed: seed of the training. Defaults to 0.
        credit: source and licence of the patient's images, told below. Defaults to None.
    """

    def __init__(
        self,
        grid: Grid,
        rows: Sequence[Mapping[str, Any]],
        groups: Mapping[str, str],
        sample: Sample,
        sources: Sequence[str],
        seed: int = 0,
        credit: str | None = None,
    ) -> None:
        self.grid, self.sample, self.sources = grid, sample, list(sources)
        self.credit = credit
        self.columns = [
            (heading, row["name"], cells_of(row, [seed])[0])
            for group, heading in groups.items()
            for row in rows
            if row.get("group") == group
        ]

    def layout(self) -> list[tuple[str, list[Tile]]]:
        """Apply every setting; label and tiles of the row of fused images, then of one for each source."""
        # narrow tiles: the footnote says what the numbers are
        tiler = _Tiler(self.sample, self.sources, prefix="")
        # a setting that stands in two groups is applied once
        results = {cell.folder: cell for _, _, cell in self.columns}
        results = {folder: apply_cell(self.grid, cell, self.sample) for folder, cell in results.items()}
        columns = [(group, name, results[cell.folder]) for group, name, cell in self.columns]
        fused = [tiler.fused(*column) for column in columns]
        rows = [("fused", [tiler.mean(), *fused])]
        for i, (source, tile) in enumerate(zip(self.sources, tiler.sources(), strict=True)):
            estimates = [tiler.estimate(*column, i) for column in columns]
            rows.append((f"{_display(source)},\nestimates", [tile, *estimates]))
        return rows

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Train what is missing, then draw.

        Raises:
            BadInputError: a cell was made with other settings, or the file cannot be written.
        """
        cells = [cell for _, _, cell in self.columns]
        self.grid.run(cells)
        groups = [SOURCES, *(group for group, _, _ in self.columns)]
        headings = ["", *(name for _, name, _ in self.columns)]
        rows = [
            Row(label, [tile.panel(self.sample.frame, tile.score) for tile in tiles]) for label, tiles in self.layout()
        ]
        notes = [how_to_read(self.sources, self.sample), budget_words(self.grid, cells), self.credit]
        _draw(path, "Coupling blocks k and weight λ", groups, headings, rows, self.sample, notes)


class _Tiler:
    """Makes tiles of results, all in the same grey windows."""

    def __init__(self, sample: Sample, sources: Sequence[str], prefix: str = "SSIM ") -> None:
        self.prefix = prefix
        self.pages = sample.sources
        self.names = [_display(source) for source in sources]
        self.windows = [grey_window(page, BRIGHT) for page in self.pages]
        self.fused_window = grey_window(self.pages.max(axis=0), BRIGHT)

    def sources(self) -> list[Tile]:
        return [
            Tile(SOURCES, name, page, window)
            for name, page, window in zip(self.names, self.pages, self.windows, strict=True)
        ]

    def mean(self) -> Tile:
        return Tile(SOURCES, "", self.pages.mean(axis=0), self.fused_window, "mean of the sources")

    def fused(self, group: str, name: str, result: Result | str) -> Tile:
        if isinstance(result, str):
            return Tile(group, name, None, score=result)
        return Tile(group, name, result.fused, self.fused_window, self.score(result.fused_ssim))

    def estimate(self, group: str, name: str, result: Result | str, i: int) -> Tile:
        if isinstance(result, str):
            return Tile(group, name, None, score=result)
        if result.decomposed is None:
            return Tile(group, name, None, score="cannot be decomposed")
        return Tile(group, name, result.decomposed[i], self.windows[i], self.score(result.decomposed_ssim[i : i + 1]))

    def score(self, ssim: np.ndarray) -> str:
        return self.prefix + " · ".join(f"{value:.3f}" if np.isfinite(value) else "–" for value in ssim)

    def estimates(self, group: str, result: Result | str) -> list[Tile]:
        return [self.estimate(group, f"{name}, estimate", result, i) for i, name in enumerate(self.names)]


def _display(source: str) -> str:
    return DISPLAY_NAMES.get(source, source)


def how_to_read(sources: Sequence[str], sample: Sample) -> str:
    """What the reader of a figure has to know."""
    zoom = "  Framed: the part that is enlarged below." if sample.zoom else ""
    return HOW_TO_READ.format(sources=" and ".join(map(_display, sources)), zoom=zoom)


def _draw(
    path: str | os.PathLike[str],
    title: str,
    groups: Sequence[str],
    headings: Sequence[str],
    rows: Sequence[Row],
    sample: Sample,
    notes: Sequence[str | None],
) -> None:
    where = f"{sample.patient}, {sample.view.plane} slice {sample.number}"
    rows = [replace(row, box=sample.box, pixel_aspect=sample.view.pixel_aspect) for row in rows]
    draw_panels(
        path,
        f"{title}: {where}",
        groups,
        headings,
        rows,
        "  ".join(note[0].upper() + note[1:] for note in notes if note),
        GREYS,
    )
