"""Reliability curves: the true error where a map of doubt expects so much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from scripts import RESEARCH_NOTICE
from scripts.outputs.overview import DISPLAY_NAMES
from scripts.outputs.page import ACCENT, FAINT, RULE, TEXT, Page

# Measures in pixels of the finished picture.
WIDTH, HEIGHT = 1800, 960
MARGIN, AXIS, TOP, BOTTOM = 36, 92, 196, 150

# Okabe and Ito's: told apart by the colour-blind.
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7")
STYLES = ("-", (0, (3, 2)))


def draw_reliability(content: Mapping[str, Any], store: str = "uint16") -> Page:
    """Draw a plot for each source: a curve for every map of doubt and group of patients.

    Args:
        content: what ``reliability.json`` holds.
        store: how the fused images were stored. Defaults to "uint16".

    Returns:
        the page, 1800 pixels wide.
    """
    page = Page(WIDTH, HEIGHT)
    page.text(MARGIN, 30, "Does more doubt mean more error?", fontsize=15, fontweight="bold")
    page.text(
        MARGIN, 76, f"Expected and true error of decomposed images inside the brain.  {RESEARCH_NOTICE}", color=ACCENT
    )
    each = (WIDTH - 2 * MARGIN - 60) / len(content["sources"])
    names = list(dict.fromkeys(row["map"] for group in content["groups"].values() for row in group["maps"]))
    for i, source in enumerate(content["sources"]):
        left = MARGIN + i * (each + 60)
        page.text(left, 130, DISPLAY_NAMES.get(source, source), fontsize=9.5, fontweight="bold")
        axes = page.axes(left + AXIS, TOP, each - AXIS, HEIGHT - TOP - BOTTOM)
        _draw_plot(axes, content, names, source, store)
    page.text(
        MARGIN,
        HEIGHT - 42,
        "Each point: a twentieth of the pixels, sorted by their doubt; root mean squares, in % of the intensity range. "
        "On the diagonal the doubt is right.",
        fontsize=7,
        color=FAINT,
    )
    return page


def _draw_plot(axes: Axes, content: Mapping[str, Any], names: list[str], source: str, store: str) -> None:
    axes.set_facecolor("none")
    ends = []
    for group, style in zip(content["groups"], STYLES, strict=False):
        for row in content["groups"][group]["maps"]:
            if (row["source"], row["store"]) != (source, store):
                continue
            expected, actual = ([100 * value for value in row[key]] for key in ("expected", "actual"))
            label = f"{row['map']}, {group}: rank correlation {row['rank_correlation']:.2f}"
            colour = COLOURS[names.index(row["map"]) % len(COLOURS)]
            axes.plot(expected, actual, color=colour, linestyle=style, marker="o", markersize=3, label=label)
            ends += [*expected, *actual]
    low, high = max(min(ends), 0.05) * 0.8, max(ends) * 1.25
    axes.plot([low, high], [low, high], color=FAINT, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    axes.set_xlabel("expected error, %", color=FAINT, fontsize=8)
    axes.set_ylabel("true error, %", color=FAINT, fontsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else ""))
    axes.tick_params(which="both", colors=FAINT, labelsize=7.5, length=3, width=0.6)
    axes.grid(color=RULE, linewidth=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(RULE)
    axes.legend(fontsize=7, labelcolor=TEXT, facecolor="none", edgecolor="none", loc="upper left")
