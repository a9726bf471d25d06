"""The trade drawn: visible, stored, decomposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from scripts import RESEARCH_NOTICE
from scripts.outputs.page import ACCENT, FAINT, RULE, TEXT, Page

from .coding_limit import best_decomposed, bits_held, held_at
from .trade import FLOAT, SHIPPED, Point

# Measures in pixels of the finished picture.
WIDTH, HEIGHT = 1800, 1060
MARGIN, AXIS, GAP, TOP, BOTTOM = 36, 96, 60, 196, 230
SHARE = 0.62
"""The first plot's share of the width."""

# An order of colours that the colour-blind see as one, too; shapes tell them apart in grey.
COLOURS, ORDER = "viridis", (0.35, 1.0)
SHAPES = ("v", "s", "o", "D", "^", "P", "X")
LIMIT = "#e69f00"


def draw_trade(
    points: Sequence[Point],
    limit: Mapping[str, Any],
    mean: float | None = None,
    ceiling: float | None = None,
    labels: Mapping[str, str] | None = None,
) -> Page:
    """Draw what is decomposed against what is seen, by depth of storage; and against the depth, by weights.

    Args:
        points: what `TradeCurve.measure` found.
        limit: what `CodingLimit.measure` found.
        mean: similarity of the plain mean inside the brain. Defaults to None, no line.
        ceiling: that of the ceiling. Defaults to None: that of `limit`.
        labels: short names of the weights. Defaults to None, their own.

    Returns:
        the page, 1800 pixels wide.
    """
    page = Page(WIDTH, HEIGHT)
    page.text(MARGIN, 30, "What shows, what it is stored in, what comes back", fontsize=15, fontweight="bold")
    page.text(
        MARGIN,
        76,
        f"SSIM inside the brain, mean of both sources, patients that nothing was trained on.  {RESEARCH_NOTICE}",
        color=ACCENT,
    )
    ceiling = limit["ceiling"] if ceiling is None else ceiling
    labels = dict(labels or {})
    depths = list(dict.fromkeys(point["stored"] for point in points))
    each = WIDTH - 2 * MARGIN - GAP
    height = HEIGHT - TOP - BOTTOM
    page.text(MARGIN, 130, "Each curve: one depth of storage, from weights to weights", fontsize=9.5, fontweight="bold")
    first = page.axes(MARGIN + AXIS, TOP, SHARE * each - AXIS, height)
    _by_depth(first, points, depths, limit, ceiling, labels)
    if mean is not None:
        _mark(first, mean, "plain mean")
    _mark(first, ceiling, "ceiling")
    left = MARGIN + SHARE * each + GAP
    page.text(left, 130, "Each curve: one set of weights", fontsize=9.5, fontweight="bold")
    second = page.axes(left + AXIS, TOP, (1 - SHARE) * each - AXIS, height)
    _by_weights(second, points, depths, limit, labels)
    for axes, columns, anchor in ((first, 4, 0), (second, 3, 0)):
        handles, words = axes.get_legend_handles_labels()
        axes.legend(
            handles,
            words,
            loc="upper left",
            bbox_to_anchor=(anchor, -0.11),
            ncols=columns,
            frameon=False,
            fontsize=7.5,
            labelcolor=TEXT,
            borderaxespad=0,
        )
    page.text(
        MARGIN,
        HEIGHT - 42,
        "Dashed: what coding both sources with JPEG 2000 in the bits that the fused image can hold would give: an "
        "estimate, see the text.",
        fontsize=7,
        color=FAINT,
    )
    return page


def depth_words(stored: int | str) -> str:
    """A depth of storage in words."""
    return "float" if stored == FLOAT else f"{stored} bits"


def _colours(count: int) -> list[Any]:
    return [colormaps[COLOURS](value) for value in np.linspace(*ORDER, count)]


def _by_depth(
    axes: Axes,
    points: Sequence[Point],
    depths: Sequence[int | str],
    limit: Mapping[str, Any],
    ceiling: float,
    labels: Mapping[str, str],
) -> None:
    seen = [point["fused_brain"] for point in points]
    low, high = min([*seen, ceiling]), max([*seen, ceiling])
    room = 0.06 * (high - low) + 0.002
    axes.set_xlim(low - room, high + room)
    for depth, colour, shape in zip(depths, _colours(len(depths)), SHAPES, strict=False):
        mine = [point for point in points if point["stored"] == depth]
        curve = [(point["fused_brain"], point["decomposed_brain"]) for point in mine if point["weights"] != SHIPPED]
        if curve:
            style = {"marker": shape, "markersize": 5, "linewidth": 1.4}
            axes.plot(*zip(*curve, strict=True), color=colour, label=depth_words(depth), **style)
        star = [point for point in mine if point["weights"] == SHIPPED]
        if star:
            place = star[0]["fused_brain"], star[0]["decomposed_brain"]
            axes.plot(*place, marker="*", markersize=13, color=colour, markeredgecolor=TEXT, linestyle="none")
        if isinstance(depth, int) and depth <= 10:
            held = bits_held(limit, depth)
            # slices are others than those of the ceiling's row
            shown = [one.fused / limit["ceiling"] * ceiling for one in held]
            best = [best_decomposed(limit, one.bits) for one in held]
            axes.plot(shown, best, color=colour, linestyle=(0, (4, 3)), linewidth=1.1)
            inside = int(np.argmin(np.abs(np.array(shown) - low)))
            axes.annotate(
                f"limit, {depth} bits",
                (max(shown[inside], low), best[inside]),
                xytext=(0, 4),
                textcoords="offset points",
                color=colour,
                fontsize=7,
                va="bottom",
            )
    for name in dict.fromkeys(point["weights"] for point in points):
        top = max((point for point in points if point["weights"] == name), key=lambda point: point["decomposed_brain"])
        axes.annotate(
            labels.get(name, name),
            (top["fused_brain"], top["decomposed_brain"]),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=TEXT,
        )
    axes.set_xlabel("fused image: SSIM with the sources", color=FAINT, fontsize=8)
    _style(axes, points)


def _by_weights(
    axes: Axes,
    points: Sequence[Point],
    depths: Sequence[int | str],
    limit: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    names = list(dict.fromkeys(point["weights"] for point in points))
    for name, colour, shape in zip(names, _colours(len(names)), SHAPES * len(names), strict=False):
        values = {point["stored"]: point["decomposed_brain"] for point in points if point["weights"] == name}
        style = {"marker": "*" if name == SHIPPED else shape, "markersize": 9 if name == SHIPPED else 4.5}
        axes.plot(
            [depths.index(depth) for depth in values],
            list(values.values()),
            color=colour,
            label=labels.get(name, name),
            linewidth=1.3,
            **style,
        )
    held = {i: held_at(limit, depth) for i, depth in enumerate(depths) if isinstance(depth, int)}
    best = {i: best_decomposed(limit, one.bits) for i, one in held.items() if one is not None}
    axes.plot(list(best), list(best.values()), color=LIMIT, linestyle=(0, (4, 3)), linewidth=1.2, label="limit")
    axes.set_xticks(range(len(depths)), [depth_words(depth).removesuffix(" bits") for depth in depths])
    axes.set_xlabel("bits of the stored fused image", color=FAINT, fontsize=8)
    _style(axes, points)


def _style(axes: Axes, points: Sequence[Point]) -> None:
    """One range of the second axis for both plots."""
    low = min(point["decomposed_brain"] for point in points)
    axes.set_ylim(low - 0.08 * (1 - low), 1.0)
    axes.set_ylabel("decomposed images: SSIM with the sources", color=FAINT, fontsize=8)
    axes.set_facecolor("none")
    axes.tick_params(which="both", colors=FAINT, labelsize=7.5, length=3, width=0.6)
    axes.grid(color=RULE, linewidth=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(RULE)


def _mark(axes: Axes, place: float, words: str) -> None:
    axes.axvline(place, color=FAINT, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.annotate(
        words,
        (place, axes.get_ylim()[0]),
        xytext=(-4, 6),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="bottom",
        fontsize=7.5,
        color=FAINT,
    )
