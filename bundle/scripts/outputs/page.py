"""A dark page with pictures and texts, positioned in pixels from the top left."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from scripts.outputs.writing import result_file

DPI = 150
BACKGROUND, TEXT, FAINT, ACCENT, RULE = "#0c0e12", "#f2f3f5", "#9aa1ad", "#f0b35a", "#343a46"


class Page:
    """A page, to be saved as PNG.

    Args:
        width: width in pixels.
        height: height in pixels.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), facecolor=BACKGROUND)
        FigureCanvasAgg(self.figure)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes that fill a rectangle."""
        bottom = 1 - (top + height) / self.height
        place = (left / self.width, bottom, width / self.width, height / self.height)
        return self.figure.add_axes(place)

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes without frame and ticks."""
        axes = self.axes(left, top, width, height)
        axes.set_axis_off()
        return axes

    def text(self, left: float, top: float, text: str, **style: Any) -> None:
        """Write a text; `style` as for matplotlib."""
        style = {"color": TEXT, "fontsize": 8, "va": "top", **style}
        self.figure.text(left / self.width, 1 - top / self.height, text, **style)

    def rule(self, start: float, end: float, top: float) -> None:
        """Draw a thin line across."""
        height = 1 - top / self.height
        ends = (start / self.width, end / self.width)
        self.figure.add_artist(Line2D(ends, (height, height), color=RULE, linewidth=0.8))

    def lines(self, left: float, top: float, lines: Sequence[str], spacing: float, **style: Any) -> None:
        """Write lines of faint small print one below the other; `style` as for matplotlib."""
        for i, line in enumerate(lines):
            self.text(left, top + spacing * i, line, **{"fontsize": 7, "color": FAINT, **style})

    def save(self, path: str | os.PathLike[str], greys: int | None = None, accents: Sequence[str] = (ACCENT,)) -> None:
        """Write the page atomically.

        Args:
            path: file to write.
            greys: number of greys to keep, at most 200. With 56, a page of grey pictures looks the same at a third of
                the size. Defaults to None (all colours).
            accents: colours to keep in addition to the greys. Defaults to the colour of the research notice.

        Raises:
            BadInputError: the file cannot be written.
        """
        with result_file(path, suffix=".png") as temporary:
            self.figure.savefig(temporary, dpi=DPI)
            if greys is not None:
                with Image.open(temporary) as page:
                    few = page.convert("RGB").quantize(palette=_palette(greys, accents), dither=Image.Dither.NONE)
                few.save(temporary, optimize=True)


def show(axes: Axes, picture: np.ndarray, window: tuple[float, float] = (0.0, 1.0)) -> None:
    """Show a picture [H, W] or [H, W, 3] that fills `axes`.

    Args:
        axes: see `Page.panel`.
        picture: the picture.
        window: values of a grey picture drawn black and white. Defaults to (0, 1).
    """
    low, high = window
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, aspect="auto", interpolation="antialiased")


def shared_headings(groups: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each heading shared by neighbours, with the first and last index that it spans."""
    for group, places in groupby(range(len(groups)), lambda i: groups[i]):
        first, *_, last = [*places] * 2
        yield group, first, last


def _palette(greys: int, accents: Sequence[str]) -> Image.Image:
    """Return greys from black to white, and blends of the background with each accent for the edges of text."""
    background = np.array(to_rgb(BACKGROUND))
    edges = [background + share * (to_rgb(accent) - background) for accent in accents for share in (0.25, 0.5, 0.75, 1)]
    colours = np.concatenate(
        [np.linspace(0, 1, greys)[:, None].repeat(3, axis=1), background[None], *np.array([edges])]
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    return palette
