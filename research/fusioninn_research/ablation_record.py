"""The ablation record as a document: what helped, the trade between three wishes, and where the limit lies."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts import RESEARCH_NOTICE
from scripts.outputs.tables import markdown_table, write_text

from .ablation_table import AblationTable
from .coding_limit import VISIBLE, CodingLimit, best_decomposed, held_at
from .markdown import GAP
from .reliability import replace_measured
from .results import RowResult
from .trade import FLOAT, Point, TradeCurve
from .trade_figure import depth_words, draw_trade

PARTS = {
    "record": "## Record",
    "trade": "## The three-way trade: visible, stored, decomposed",
    "limit": "## Where the limit of any method lies",
}
START, END = "<!-- measured: {} -->", "<!-- end of measured: {} -->"
TARGETS = (0.955, 0.985)
"""SSIM of the decomposed images that is asked for, inside the brain and over the slice."""


class AblationRecord:
    """Run every cell, measure the trade and the limit, draw them, and write the document.

    Files are in the grid's folder: those of the table, ``trade.png``, ``trade/`` and ``limit.json``. In the document
    the measured parts are replaced; what stands around them is kept. A document that is not there is begun.

    Args:
        table: the record's table.
        trade: measures the trade.
        limit: estimates the limit.
        labels: short names of the trade's rows. Defaults to none.
        document: Markdown file. Defaults to None, ``<name>_document.md`` in the grid's folder.
        figure: where the figure goes. Defaults to None, ``trade.png`` in the grid's folder.
        figures_file: where the table's CSV is copied to. Defaults to None, nowhere.
    """

    def __init__(
        self,
        table: AblationTable,
        trade: TradeCurve,
        limit: CodingLimit,
        labels: Mapping[str, str] | None = None,
        document: str | None = None,
        figure: str | None = None,
        figures_file: str | None = None,
    ) -> None:
        self.table, self.trade, self.limit = table, trade, limit
        self.labels = dict(labels or {})
        folder = table.grid.folder
        self.document = Path(document) if document else folder / f"{table.name}_document.md"
        self.figure = Path(figure) if figure else folder / "trade.png"
        self.figures_file = figures_file

    def run(self) -> None:
        """Do all of it.

        Raises:
            BadInputError: a cell failed, or a file cannot be read or written.
        """
        results = self.table.run()
        folder = self.table.grid.folder
        points, limit = self.trade.measure(), self.limit.measure()
        ceiling = results[self.table.ceiling] if self.table.ceiling else RowResult()
        mean, highest = (self.table.mean(ceiling, column) for column in ("mean_brain", "fused_brain"))
        if points:
            draw_trade(points, limit, mean, highest, self.labels).save(self.figure)
        record = (folder / f"{self.table.name}.md").read_text(encoding="utf-8")
        # The document has a title of its own, and headings of one level above.
        record = record.partition("\n\n")[2].replace("\n## ", "\n### ")
        self.write(
            {
                "record": record.strip(),
                "trade": trade_words(points, self.labels, mean, highest, self._picture()),
                "limit": limit_words(limit, [bits for bits in self.trade.bits if bits != FLOAT]),
            }
        )
        if self.figures_file:
            shutil.copyfile(folder / f"{self.table.name}.csv", self.figures_file)
        logging.getLogger(__name__).info(f"The record is in {self.document}, its figure in {self.figure}.")

    def write(self, parts: Mapping[str, str]) -> None:
        """Write the measured parts into the document.

        Raises:
            BadInputError: the document lacks one of them, or cannot be written.
        """
        if not self.document.is_file():
            lines = [f"# {self.table.title}", "", f"{RESEARCH_NOTICE} Decomposed images are estimates."]
            for name, heading in PARTS.items():
                lines += ["", heading, "", START.format(name), END.format(name)]
            write_text(self.document, "\n".join(lines) + "\n")
        for name, text in parts.items():
            replace_measured(self.document, text, START.format(name), END.format(name))

    def _picture(self) -> str:
        return Path(os.path.relpath(self.figure.absolute(), self.document.absolute().parent)).as_posix()


def trade_words(
    points: Sequence[Point], labels: Mapping[str, str], mean: float | None, ceiling: float | None, picture: str
) -> str:
    """The trade as a table below its figure.

    Args:
        points: what `TradeCurve.measure` found.
        labels: short names of the weights.
        mean: similarity of the plain mean inside the brain, or None.
        ceiling: that of the ceiling, or None.
        picture: the figure, relative to the document.
    """
    if not points:
        return "None of the weights is trained.\n"
    depths = list(dict.fromkeys(point["stored"] for point in points))
    rows = []
    for name in dict.fromkeys(point["weights"] for point in points):
        mine = {point["stored"]: point for point in points if point["weights"] == name}
        finest = mine[depths[-1]]["fused_brain"]
        share = GAP if ceiling is None else f"{100 * finest / ceiling:.1f} %"
        decomposed = [f"{mine[depth]['decomposed_brain']:.3f}" if depth in mine else GAP for depth in depths]
        rows.append([labels.get(name, name), f"{finest:.3f}", share, *decomposed])
    known = {"plain mean": mean, "ceiling": ceiling}
    beside = ", ".join(f"{words} {value:.3f}" for words, value in known.items() if value is not None)
    return "\n".join(
        [
            f"![Decomposed against visible similarity, by depth of storage]({picture})",
            "",
            "SSIM inside the brain, mean of both sources and over patients; the same fused images are rounded to each "
            f"depth before they are decomposed.{f' Fused: {beside}.' if beside else ''}",
            "",
            markdown_table(
                ["weights", "fused", "of the ceiling", *(f"from {depth_words(depth)}" for depth in depths)], rows
            ),
        ]
    ).strip()


def limit_words(limit: Mapping[str, Any], depths: Sequence[int]) -> str:
    """The estimate of the limit, with what it rests on.

    Args:
        limit: what `CodingLimit.measure` found.
        depths: numbers of bits that the fused image is stored with.
    """
    lossless = limit["lossless"]
    needed = dict(zip(limit["targets"], limit["needed"], strict=True))
    rows = [[f"both sources, to an SSIM of {target} inside the brain", f"{needed[target]:.1f}"] for target in TARGETS]
    rows += [
        [f"{words}, 8 bits without loss, {form}", f"{lossless[f'{of} {form}']:.1f}"]
        for of, words in (("sources", "both sources"), ("fused", "the best fused image"))
        for form in ("PNG", "JPEG 2000")
    ]
    best = []
    for depth in depths:
        held = held_at(limit, depth)
        if held is None:
            best.append([str(depth), GAP, GAP, "rounding alone costs more"])
        else:
            reached = best_decomposed(limit, held.bits)
            least = "≥ " if reached >= limit["targets"][-1] else ""
            best.append([str(depth), f"{held.hidden:.1f}", f"{held.bits:.1f}", f"{least}{reached:.3f}"])
    return "\n".join(
        [
            f"An estimate from {limit['slices']} slices, in bits per pixel of the brain. **Needed**: lossy JPEG 2000, "
            "each source by itself.",
            "",
            markdown_table(["what", "bits"], rows),
            "**Held**: the best fused image there is has its pixels optimised directly for SSIM (ceiling "
            f"{limit['ceiling']:.3f} inside the brain). Let each of its pixels lie anywhere in an interval so wide "
            f"that the similarity falls to {VISIBLE:.1%} of that: the choice among the levels in it can carry "
            "anything, and what is seen above it tells of the sources, too.",
            "",
            markdown_table(
                ["bits stored", "below what is seen", "with what is seen", "SSIM of both sources, coded in that"], best
            ),
            "No bound, but a scale. Too low: SSIM forgives more than JPEG 2000 knows, the two sources share structure "
            "that coding them apart pays for twice, and noise of one width everywhere shows more than noise that hides "
            "in texture. Too high: everything that is seen is counted as telling of the sources, a coder looks at the "
            "whole image and carries a decoder's tables for free, a network of a few 3 x 3 convolutions sees a "
            "neighbourhood, and bits that are packed like a code are lost with the first disturbance.",
        ]
    )
