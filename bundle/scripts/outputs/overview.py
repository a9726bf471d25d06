"""Draw the overview picture: sources, fused image, decomposed images and errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike

from scripts import RESEARCH_NOTICE
from scripts.data.contrasts import DISPLAY_NAMES
from scripts.outputs.arrays import as_array
from scripts.outputs.page import ACCENT, FAINT, TEXT, Page, shared_headings
from scripts.outputs.slice_choice import choose_slices, foreground, grey_window
from scripts.outputs.view import View

Scores = Mapping[str, Mapping[str, ArrayLike]]
Cut = Callable[[np.ndarray], list[np.ndarray]]

FUSED_GROUP, SOURCE_GROUP = "Fused", "Sources"
ESTIMATE_GROUP, ERROR_GROUP = "Decomposed (estimated)", "Absolute error"
PART_GROUP, DOUBT_GROUP = "Contribution to the fused image", "Expected error"
COLOURED = (ERROR_GROUP, DOUBT_GROUP)

# Sizes in pixels of the final picture.
WIDTH, WIDEST_PANEL, NARROWEST_PANEL = 1800, 330, 140
MARGIN, ROW_LABEL, SCALE = 36, 104, 92
GAP, GROUP_GAP, CAPTION = 6, 28, 34
HEADER, FOOTER = 214, 62

ERROR_COLOURS = "inferno"
ERROR_LIMITS = (1, 2, 5, 10, 20, 50, 100)


@dataclass
class Column:
    """One column of panels.

    Args:
        group: heading shared with neighbouring columns.
        name: its own heading.
        pages: [rows, columns] of each shown slice.
        window: values drawn black and white.
        scores: SSIM by source, one number or one for each slice of the volume.
    """

    group: str
    name: str
    pages: list[np.ndarray]
    window: tuple[float, float]
    scores: Mapping[str, np.ndarray]

    def mean_score(self) -> str:
        """Return the SSIM of the whole volume as text."""
        words = self._words([_mean(score) for score in self.scores.values()])
        by_slice = any(score.ndim for score in self.scores.values())
        return f"mean {words}" if words and by_slice else words

    def slice_score(self, index: int) -> str:
        """Return the SSIM of one slice as text; empty if only the volume's SSIM is known."""
        return self._words([float(score[index]) for score in self.scores.values() if score.ndim])

    def _words(self, numbers: Sequence[float]) -> str:
        if not np.isfinite(numbers).any():
            return ""
        return "SSIM " + " · ".join(f"{n:.3f}" if np.isfinite(n) else "–" for n in numbers)


class _Arrays(Mapping[str, np.ndarray]):
    """Volumes as arrays, computed on access so that they are not all in memory at once."""

    def __init__(self, volumes: Mapping[str, Any]) -> None:
        self._volumes = volumes

    def __getitem__(self, name: str) -> np.ndarray:
        return as_array(self._volumes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._volumes)

    def __len__(self) -> int:
        return len(self._volumes)


def draw_overview(path: str | os.PathLike[str], *volumes: Any, **how: Any) -> None:
    """Draw the overview of a patient and write it.

    Args:
        path: PNG file to write.
        volumes: see `overview_page`.
        how: see `overview_page`.

    Raises:
        BadInputError: the file cannot be written.
        ValueError: volumes of different shapes.
    """
    overview_page(*volumes, **how).save(path)


def overview_page(
    sources: Mapping[str, Any] | None,
    fused: Any,
    decomposed: Mapping[str, Any],
    *,
    affine: ArrayLike,
    slice_axis: int,
    slices: Sequence[int] | None = None,
    lesion: Any = None,
    ssim: Scores | None = None,
    title: str = "",
    phantom: bool = False,
    contribution: Mapping[str, Any] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
) -> Page:
    """Draw sources, fused image, decomposed sources and their absolute error in three slices.

    A source and its estimate share one grey window, from the source's lowest value to its 99.5th
    percentile, and the error is given in percent of that window.

    Args:
        sources: volume [X, Y, Z] of each source by its name, in any unit; None or empty if unavailable, which omits
            their columns and the error.
        fused: volume [X, Y, Z].
        decomposed: volume [X, Y, Z] of each estimated source by its name, in its source's unit.
        affine: [4, 4], voxel to millimetre; gives orientation and pixel aspect.
        slice_axis: array axis perpendicular to the slices, 0, 1 or 2.
        slices: indices of the slices. Defaults to None, see `choose_slices`.
        lesion: volume [X, Y, Z], above 0 in the lesion, to choose slices by. Defaults to None.
        ssim: for each source {"fused": …, "decomposed": …}, the source's SSIM with these images: one number for the
            volume, or one per slice (NaN if undefined), which is then also shown under the panels. Defaults to None.
        title: the patient's name.
        phantom: whether the images show a digital phantom, which the picture then states. Defaults to False.
        contribution: volume [X, Y, Z] of each source's contribution to the fused image, drawn in the fused image's grey
            window. Defaults to None.
        uncertainty: volume [X, Y, Z] of the expected error of each estimate, in its source's unit, drawn on the scale
            of the errors. Defaults to None.

    Returns:
        a page about 1800 pixels wide; wider with maps, because the panels keep their size, and with more than three
        sources, because panels have a minimum size.

    Raises:
        ValueError: volumes of different shapes.
    """
    sources, decomposed, parts, doubt = (
        _Arrays(volumes or {}) for volumes in (sources, decomposed, contribution, uncertainty)
    )
    fused = as_array(fused)
    anatomy = sources or decomposed
    # Volumes are not assigned to variables here: a reference would keep a computed volume in memory.
    for volumes in (sources, decomposed, parts, doubt):
        for shape in (volumes[name].shape for name in volumes):
            if shape != fused.shape:
                raise ValueError(f"the volumes of an overview must have the same shape, got {shape} and {fused.shape}.")

    if slices is None:
        lesion = None if lesion is None else as_array(lesion)
        slices = choose_slices(anatomy[next(iter(anatomy))], slice_axis, lesion=lesion)
    view = View(np.asarray(affine, dtype=np.float64), fused.shape, slice_axis)
    frame = view.frame([foreground(anatomy[name]) for name in anatomy], slices)

    def cut(volume: np.ndarray) -> list[np.ndarray]:
        # copies, which do not keep the whole volume in memory
        return [view.page(volume, index)[frame].copy() for index in slices]

    columns = [*_grey_columns(sources, fused, parts, decomposed, ssim or {}, cut)]
    errors = [*_error_columns(sources, decomposed, doubt, cut)]

    page = _Page([*columns, *errors], len(slices), view.aspect(frame))
    page.draw_heading(title, view.plane, phantom)
    page.draw_panels(view, slices)
    page.draw_footnote(any(column.group == ERROR_GROUP for column in errors), bool(parts), bool(doubt))
    return page


def _grey_columns(
    sources: Mapping[str, np.ndarray],
    fused: np.ndarray,
    parts: Mapping[str, np.ndarray],
    decomposed: Mapping[str, np.ndarray],
    ssim: Scores,
    cut: Cut,
) -> Iterator[Column]:
    def scores(of: str, names: Sequence[str]) -> dict[str, np.ndarray]:
        return {name: np.asarray(ssim[name][of]) for name in names if of in ssim.get(name, {})}

    def drawn(volume: np.ndarray) -> tuple[list[np.ndarray], tuple[float, float]]:
        return cut(volume), grey_window(volume)

    for name in sources:
        yield Column(SOURCE_GROUP, _display(name), *drawn(sources[name]), {})
    together = " + ".join(map(_display, sources or decomposed))
    yield Column(FUSED_GROUP, together, cut(fused), grey_window(fused), scores("fused", [*ssim]))
    for name in parts:
        yield Column(PART_GROUP, _display(name), cut(parts[name]), grey_window(fused), {})
    for name in decomposed:
        window = grey_window(sources[name] if name in sources else decomposed[name])
        found = scores("decomposed", [name])
        yield Column(ESTIMATE_GROUP, f"{_display(name)}, estimated", cut(decomposed[name]), window, found)


def _error_columns(
    sources: Mapping[str, np.ndarray], decomposed: Mapping[str, np.ndarray], doubt: Mapping[str, np.ndarray], cut: Cut
) -> Iterator[Column]:
    """Yield true and expected errors in percent of their source's window, on a common scale."""
    errors: dict[tuple[str, str], list[np.ndarray]] = {}
    for name in (name for name in sources if name in decomposed):
        low, high = grey_window(sources[name])
        pairs = zip(cut(decomposed[name]), cut(sources[name]), strict=True)
        errors[ERROR_GROUP, name] = [
            np.abs(np.subtract(a, b, dtype=np.float32)) * (100 / (high - low)) for a, b in pairs
        ]
    for name in doubt:
        low, high = grey_window(sources[name] if name in sources else decomposed[name])
        errors[DOUBT_GROUP, name] = [
            np.asarray(page, dtype=np.float32) * (100 / (high - low)) for page in cut(doubt[name])
        ]
    most = max((_large(page) for pages in errors.values() for page in pages), default=0.0)
    limit = next((limit for limit in ERROR_LIMITS if limit >= most), ERROR_LIMITS[-1])
    for (group, name), pages in errors.items():
        yield Column(group, _display(name), pages, (0.0, float(limit)), {})


def _large(error: np.ndarray) -> float:
    """Return the 99th percentile of the nonzero errors."""
    return float(np.percentile(error[error > 0], 99)) if error.any() else 0.0


class _Page(Page):
    """Panels and texts, positioned in pixels from the top left."""

    def __init__(self, columns: list[Column], rows: int, aspect: float) -> None:
        groups = [column.group for column in columns]
        gaps = [GAP if a == b else GROUP_GAP for a, b in pairwise(groups)]
        scale = SCALE if groups[-1] in COLOURED else 0
        fixed = 2 * MARGIN + ROW_LABEL + sum(gaps) + scale
        self.columns = columns
        # Maps make the page wider, not the panels narrower.
        usual = [group for group in groups if group not in (PART_GROUP, DOUBT_GROUP)]
        usual_gaps = sum(GAP if a == b else GROUP_GAP for a, b in pairwise(usual))
        share = (WIDTH - fixed + sum(gaps) - usual_gaps) / len(usual)
        self.panel_width = max(min(share, WIDEST_PANEL), NARROWEST_PANEL)
        self.panel_height = self.panel_width * aspect
        # Many sources make narrow panels: their captions shrink with them.
        self.caption_size = 7.5 * min(1.0, self.panel_width / 220)
        self.left = [MARGIN + ROW_LABEL + i * self.panel_width + sum(gaps[:i]) for i in range(len(columns))]
        self.top = [HEADER + row * (self.panel_height + CAPTION) for row in range(rows)]
        super().__init__(
            fixed + len(columns) * self.panel_width, HEADER + rows * (self.panel_height + CAPTION) + FOOTER
        )

    def draw_heading(self, title: str, plane: str, phantom: bool) -> None:
        """Write the patient's name, the purpose of the picture and the headings of the columns."""
        fits = int((self.width - 2 * MARGIN) / 19)
        title = title if len(title) <= fits else title[: fits - 1] + "…"
        self.text(MARGIN, 30, title or "FusionINN", fontsize=15, fontweight="bold")
        what = "Digital phantom, not a patient" if phantom else f"FusionINN, {plane} slices"
        self.text(MARGIN, 76, f"{what}.  {RESEARCH_NOTICE}", fontsize=8.5, color=ACCENT)

        for group, first, last in shared_headings([column.group for column in self.columns]):
            start, end = self.left[first], self.left[last] + self.panel_width
            self.text((start + end) / 2, 118, group, fontsize=9.5, fontweight="bold", ha="center")
            self.rule(start, end, 148)
        for left, column in zip(self.left, self.columns, strict=True):
            middle = left + self.panel_width / 2
            size = self.caption_size
            self.text(middle, 157, column.name, fontsize=size + 0.5, ha="center")
            self.text(middle, 183, column.mean_score(), fontsize=size, ha="center", color=FAINT)

    def draw_panels(self, view: View, slices: Sequence[int]) -> None:
        """Draw every column in every slice, and the scale of the errors."""
        for row, (top, index) in enumerate(zip(self.top, slices, strict=True)):
            place = f"{'xyz'[view.through]} {view.millimetre(index):+.0f} mm".replace("-", "−")
            self.text(
                MARGIN,
                top + self.panel_height / 2,
                f"slice {index + 1}\n{place}",
                fontsize=7.5,
                color=FAINT,
                va="center",
                linespacing=1.5,
            )
            for i, (left, column) in enumerate(zip(self.left, self.columns, strict=True)):
                axes = self.panel(left, top, self.panel_width, self.panel_height)
                axes.imshow(
                    column.pages[row],
                    cmap=ERROR_COLOURS if column.group in COLOURED else "gray",
                    vmin=column.window[0],
                    vmax=column.window[1],
                    aspect="auto",
                    interpolation="antialiased",
                )
                self.text(
                    left + self.panel_width / 2,
                    top + self.panel_height + 7,
                    column.slice_score(index),
                    fontsize=self.caption_size,
                    ha="center",
                )
                if i == 0:
                    self._mark_sides(axes, view.sides)
        self._scale()

    def draw_footnote(self, has_errors: bool, has_parts: bool = False, has_doubt: bool = False) -> None:
        """Explain how to read the picture."""
        note = "Estimated: computed from the fused image alone."
        if has_errors:
            note += (
                "  A source and its estimate share one grey window; the error is in % of it."
                "  SSIM of the fused image: with each source in turn."
            )
        note += "  R: the patient's right."
        maps = []
        if has_parts:
            maps.append("Contributions share the fused image's window, and add up to it to first order.")
        if has_doubt:
            maps.append("Expected error: learned, from the fused image alone, in % of the window; small is not safe.")
        if maps:
            note += "\n" + "  ".join(maps)
        self.text(MARGIN, self.height - 42, note, fontsize=7, color=FAINT)

    def _scale(self) -> None:
        column = self.columns[-1]
        if column.group not in COLOURED:
            return
        height = self.top[-1] + self.panel_height - self.top[0]
        axes = self.axes(self.left[-1] + self.panel_width + 16, self.top[0], 14, height)
        colours = ScalarMappable(Normalize(*column.window), ERROR_COLOURS)
        bar = self.figure.colorbar(colours, cax=axes)
        limit = column.window[1]
        ticks = np.linspace(0, limit, 6 if limit % 5 == 0 else 5)
        bar.set_ticks(ticks, labels=[f"{tick:g} %" for tick in ticks])
        bar.ax.tick_params(colors=TEXT, labelsize=7.5, length=3, width=0.6)
        bar.outline.set_visible(False)

    def _mark_sides(self, axes: Axes, sides: tuple[str, str]) -> None:
        for x, side in zip((0.04, 0.96), sides, strict=True):
            axes.text(
                x,
                0.97,
                side,
                transform=axes.transAxes,
                color=FAINT,
                fontsize=7.5,
                ha="left" if x < 0.5 else "right",
                va="top",
            )


def _mean(score: np.ndarray) -> float:
    """Return the mean over slices with a score; black slices have none."""
    known = score[np.isfinite(score)]
    return float(known.mean()) if known.size else float("nan")


def _display(name: str) -> str:
    return DISPLAY_NAMES.get(name, name)
