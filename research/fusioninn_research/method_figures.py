"""Methods, or settings of one method, side by side on one slice: Figs. 4 and 5 of the paper."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scripts.outputs.overview import DISPLAY_NAMES
from scripts.outputs.slice_choice import grey_window

from .cell_sample import apply_cell, budget_words
from .cells import Cell, cells_of
from .grid import Grid
from .sample import Result, Sample
from .sheet import Row, Sheet, Tile, wrapped

SOURCES, DECOMPOSED = "Sources", "decomposed (estimates)"
BRIGHT = 99.9
"""Percentile that is drawn white: a bright lesion is what the reader looks at."""

HOW_TO_READ = (
    "Below a fused image: its SSIM with {sources} in turn, over the whole slice. Below a decomposed one: with its "
    "source. Decomposed images are estimates, made from the stored fused image alone. All fused images share one grey "
    "window, and so do a source and its estimates.{zoom}"
)


class MethodFigure:
    """Sources, what each method makes of them, and what comes back: Fig. 4.

    Args:
        grid: where the cells are, and what trains them.
        rows: methods as in Table 1, see `cells_of`.
        sample: the slice.
        sources: names of the sources.
        seed: seed of the training. Defaults to 0.
        leave_out: names of rows that are not shown. Defaults to none.
        groups: heading of a row by its "method"; "Fused" for others. Defaults to none.
        decomposed: "method" of the rows whose estimates are shown at the end. Defaults to FusionINN.
        columns: pictures side by side. Defaults to 6.
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
        _draw(
            path,
            wrapped(self.tiles(), self.columns),
            self.sample,
            self.sources,
            "Methods side by side",
            self.grid,
            cells,
            self.credit,
        )


class SettingFigure:
    """What one method makes of the slice with several settings: Fig. 5.

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

    def layout(self) -> list[Row]:
        """Apply every setting; a row of fused images, then one for each source with its estimates."""
        # narrow tiles: the footnote says what the numbers are
        tiler = _Tiler(self.sample, self.sources, prefix="")
        # a setting that stands in two groups is applied once
        results = {cell.folder: cell for _, _, cell in self.columns}
        results = {folder: apply_cell(self.grid, cell, self.sample) for folder, cell in results.items()}
        columns = [(group, name, results[cell.folder]) for group, name, cell in self.columns]
        fused = [tiler.fused(*column) for column in columns]
        # the sources' own column has nothing to show beside the fused images
        rows = [Row([Tile(SOURCES, "", None), *fused], "fused")]
        for i, (source, tile) in enumerate(zip(self.sources, tiler.sources(), strict=True)):
            estimates = [tiler.estimate(*column, i) for column in columns]
            rows.append(Row([tile, *estimates], f"{_display(source)},\nestimates"))
        return rows

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Train what is missing, then draw.

        Raises:
            BadInputError: a cell was made with other settings, or the file cannot be written.
        """
        cells = [cell for _, _, cell in self.columns]
        self.grid.run(cells)
        _draw(
            path,
            self.layout(),
            self.sample,
            self.sources,
            "Coupling blocks k and weight λ",
            self.grid,
            cells,
            self.credit,
        )


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


def _draw(
    path: str | os.PathLike[str],
    rows: Sequence[Row],
    sample: Sample,
    sources: Sequence[str],
    title: str,
    grid: Grid,
    cells: Sequence[Cell],
    credit: str | None,
) -> None:
    names = " and ".join(map(_display, sources))
    zoom = "  Framed: the part that is enlarged below." if sample.zoom else ""
    notes = [HOW_TO_READ.format(sources=names, zoom=zoom), budget_words(grid, cells)]
    notes += [credit] if credit else []
    sheet = Sheet(rows, sample.frame, sample.view.pixel_aspect, sample.zoom, notes)
    sheet.save(path, title, f"{sample.patient}, {sample.view.plane} slice {sample.number}.")
