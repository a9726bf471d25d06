"""Distributions of the typicality score, by kind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scripts import RESEARCH_NOTICE
from scripts.outputs.writing import result_file

from .typicality_table import CHOSEN, USUAL, Case

LARGEST = 30.0
"""Scores above are drawn here."""


def draw_scores(path: str | os.PathLike[str], cases: Sequence[Case], threshold: float) -> None:
    """Draw a point for each case, a row for each kind.

    Args:
        path: PNG to write.
        cases: cases of the report.
        threshold: score above which a case is unusual.

    Raises:
        BadInputError: the file cannot be written.
    """
    kinds = list(dict.fromkeys((case.group, case.kind) for case in cases))[::-1]
    figure = Figure(figsize=(9, 1.6 + 0.27 * len(kinds)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    generator = np.random.default_rng(0)
    for height, (group, kind) in enumerate(kinds):
        mine = [case for case in cases if (case.group, case.kind) == (group, kind)]
        scores = np.array([min(case.scores[CHOSEN], LARGEST) for case in mine])
        heights = height + generator.uniform(-0.25, 0.25, len(mine))
        warned = np.array([case.figures.unusual for case in mine])
        colour = "tab:blue" if kind == USUAL else "tab:red"
        axes.scatter(scores[warned], heights[warned], s=14, color=colour, linewidths=0)
        axes.scatter(scores[~warned], heights[~warned], s=14, facecolors="none", edgecolors=colour, linewidths=0.8)
    axes.axvline(threshold, color="black", linewidth=1, linestyle="--")
    axes.set(xscale="log", xlabel="typicality score, median over the slices of a case", ylim=(-0.7, len(kinds) - 0.3))
    axes.set_yticks(range(len(kinds)), [f"{group}: {kind}" for group, kind in kinds], fontsize=8)
    axes.set_title("Usual (blue) and unusual (red) pairs; filled: warned of; dashed: threshold", fontsize=10)
    figure.supxlabel(RESEARCH_NOTICE, fontsize=7)
    with result_file(Path(path), suffix=".png") as temporary:
        figure.savefig(temporary, dpi=110)
