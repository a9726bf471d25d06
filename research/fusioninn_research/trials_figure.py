"""Trials of a network, drawn: what shows, what noise costs, what comes back.

Run as ``python -m fusioninn_research.trials_figure TRIALS.csv PICTURE.png``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from scripts import RESEARCH_NOTICE
from scripts.outputs.page import ACCENT, FAINT, RULE, TEXT, Page

WIDTH, HEIGHT = 1800, 860
MARGIN, AXIS, TOP, PLOT = 36, 90, 140, 570
COLOURS = "viridis"
NOTE = "SSIM inside the brain of patients with low-grade glioma. Ring: the network that was taken."
TAKEN = "lifting at both ends, 48 and 64 hidden channels"
LABELS: Mapping[str, tuple[str, tuple[int, int]]] = {
    "no signs, no pattern loss": ("no signs", (-14, 9)),
    "(4, 4, 4), spread signs, pattern loss": ("quarter resolution only", (8, -4)),
    "the same with all four bands of the half-resolution difference, 978 steps": ("carriers, four bands", (-50, 9)),
    "return, α = 0.6 instead of 0.7": ("α = 0.6", (-44, 3)),
}
"""Trials that are named in the picture, and where the name stands, in points from the trial."""


def draw_trials(trials: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Draw the estimates of each trial against the pattern in its fused image, and against what noise costs.

    Args:
        trials: one row each, with the columns "trial", "fused_less_mean", "t1gd_16", "flair_16", "noise" and "pattern".
        path: PNG to write.
    """
    page = Page(WIDTH, HEIGHT)
    page.text(MARGIN, 30, "What shows, what noise costs, what comes back", fontsize=15, fontweight="bold")
    page.text(MARGIN, 76, f"One short training each.  {RESEARCH_NOTICE}", fontsize=8.5, color=ACCENT)
    decomposed = trials[["t1gd_16", "flair_16"]].mean(axis=1)
    shade = Normalize(trials["fused_less_mean"].min(), trials["fused_less_mean"].max())
    width = (WIDTH - 4 * MARGIN - 2 * AXIS - 130) / 2
    for number, (column, heading, sign) in enumerate(
        (
            ("pattern", "repeating pattern in the fused image, grey levels of 255", 1),
            ("noise", "SSIM that noise of one grey level costs", -1),
        )
    ):
        axes = page.axes(MARGIN + AXIS + number * (width + AXIS + MARGIN), TOP, width, PLOT)
        _style(axes, heading)
        axes.scatter(sign * trials[column], decomposed, c=trials["fused_less_mean"], cmap=COLOURS, norm=shade, s=34)
        taken = trials["trial"] == TAKEN
        axes.scatter(sign * trials[column][taken], decomposed[taken], s=130, facecolors="none", edgecolors=TEXT)
        axes.margins(0.1, 0.08)
        for trial, (label, offset) in LABELS.items():
            for at in trials.index[trials["trial"] == trial]:
                axes.annotate(
                    label,
                    (sign * trials[column][at], decomposed[at]),
                    xytext=offset,
                    textcoords="offset points",
                    fontsize=7.5,
                    color=TEXT,
                )
    bar = page.axes(WIDTH - MARGIN - 110, TOP, 22, PLOT)
    scale = bar.figure.colorbar(ScalarMappable(shade, COLOURS), cax=bar)
    scale.set_label("fused, SSIM less that of the plain mean", color=TEXT, fontsize=8)
    bar.tick_params(colors=TEXT, labelsize=7.5)
    page.text(MARGIN, HEIGHT - 60, NOTE, fontsize=7.5, color=FAINT)
    page.save(path)


def _style(axes: Axes, heading: str) -> None:
    axes.set_facecolor("none")
    axes.set_xlabel(heading, color=TEXT, fontsize=8.5)
    axes.set_ylabel("estimates from 16 bits, SSIM", color=TEXT, fontsize=8.5)
    axes.tick_params(colors=TEXT, labelsize=7.5)
    axes.grid(color=RULE, linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_color(RULE)


if __name__ == "__main__":
    draw_trials(pd.read_csv(sys.argv[1]), sys.argv[2])
