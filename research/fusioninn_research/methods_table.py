"""Table 1: how well the methods fuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scripts.metrics import FUSION_METRICS
from scripts.outputs.tables import markdown_table

from .comparisons import Comparisons, compare_rows
from .grid import Grid
from .markdown import GAP, PAPER, difference, figure
from .orderings import compare_orderings, ranking
from .paper_table import PaperTable
from .results import RowResult

CENTRE = {"Q_XY": "Q_XY_centre", "Q_P": "Q_P_centre"}
"""Columns that compare with the paper, whose scripts measure the centre of the image only."""

INSIDE = {"fused, brain": "fused_brain", "fused, lesion": "fused_lesion"}
"""SSIM with the sources, mean of both, where the black background does not count."""


class MethodsTable(PaperTable):
    """Train and evaluate the methods, and write ``table1.md``, ``.csv`` and ``.json`` beside their cells.

    Args:
        rows: the methods, see `fusioninn_research.cells.cells_of`; "paper" holds the paper's figures.
        reference: name of the row that the others are tested against.
        grid: trains and evaluates.
        seeds: seeds of the trained methods.
        sources: names of the sources.
        only: rows that are run, see `Rows`. Defaults to None, all.
        name: stem of the files. Defaults to "table1".
    """

    TITLE = "Table 1: fusion by all methods"

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        reference: str,
        grid: Grid,
        seeds: Sequence[int],
        sources: Sequence[str] = ("t1gd", "flair"),
        only: str | Sequence[str] | None = None,
        name: str = "table1",
    ) -> None:
        super().__init__(rows, reference, grid, seeds, sources, only, name)
        self.remarks = {row["name"]: row["remark"] for row in rows if row.get("remark")}

    def write(self, results: Mapping[str, RowResult]) -> None:
        """Write the table of the rows that were run; its caption names the others."""
        metrics = list(FUSION_METRICS)
        columns = metrics + list(CENTRE.values())
        there = {name: result for name, result in results.items() if result.seeds}
        comparisons = compare_rows(there, self.reference, metrics)
        paper = {
            name: {CENTRE.get(metric, metric): value for metric, value in figures.items()}
            for name, figures in self.paper.items()
        }
        orderings = {
            metric: compare_orderings(
                {name: figures.get(metric) for name, figures in self.paper.items()},
                {name: self.mean(result, CENTRE.get(metric, metric)) for name, result in results.items()},
            )
            for metric in metrics
        }
        parts = [
            self.caption(results),
            self._scores(there, metrics),
            self._inside(there),
            self._beside_the_paper(there, paper, columns),
            self._tests(there, comparisons, metrics),
            self._orderings(results, orderings),
        ]
        more = {
            "reference": self.reference,
            "orderings": {metric: asdict(found) for metric, found in orderings.items()},
        }
        kept = [*columns, *self._inside_columns().values()]
        self.write_files(parts, results, kept, comparisons, paper, more, told=f"{parts[0]}\n{parts[1]}")

    def _scores(self, results: Mapping[str, RowResult], metrics: Sequence[str]) -> str:
        rows = []
        for name, result in results.items():
            seconds = GAP if result.seconds_per_slice is None else f"{result.seconds_per_slice:.3f}"
            steps = str(result.budget.get("steps", GAP))
            cells = [figure(result.spread(metric)) for metric in metrics]
            rows.append([name, *cells, self.over_seeds(result, "Q_SSIM"), steps, seconds])
        notes = "".join(f"\n{name}: {remark}\n" for name, remark in self.remarks.items())
        header = ["Method", *metrics, "Q_SSIM over seeds", "steps of training", "s per slice to fuse"]
        return f"## Scores\n\nThe higher the better.\n\n{markdown_table(header, rows)}{notes}"

    def _inside_columns(self) -> dict[str, str]:
        decomposed = {
            f"decomposed {source}{words}": f"decomposed_{source}_{region}"
            for words, region in (("", "slice"), (", brain", "brain"), (", lesion", "lesion"))
            for source in self.sources
        }
        return {**INSIDE, **decomposed}

    def _inside(self, results: Mapping[str, RowResult]) -> str:
        columns = self._inside_columns()
        rows = [
            [
                name,
                *(figure(result.spread(column)) for column in columns.values()),
            ]
            for name, result in results.items()
        ]
        return (
            "## Inside brain and lesion, and decomposed\n\nSSIM. Fused: mean over the sources, over windows centred in "
            "the region. Decomposed: estimated from the fused image as stored in 8 bits; the other methods cannot be "
            f"decomposed.\n\n{markdown_table(['Method', *columns], rows)}"
        )

    def _beside_the_paper(
        self, results: Mapping[str, RowResult], paper: Mapping[str, Mapping[str, float]], columns: Sequence[str]
    ) -> str:
        compared = [column for column in columns if column not in CENTRE]
        rows = [
            [name, *(figure(result.spread(column), paper[name].get(column)) for column in compared)]
            for name, result in results.items()
            if paper[name]
        ]
        return (
            f"## Beside the paper's Table 1\n\nIn brackets the paper's figures ({PAPER}), of BraTS 2018 with slices of "
            "a patient on both sides of the split. Its Q_XY and Q_P are of the centre of the image only (3 × 3 and "
            "11 × 11 pixels), as its scripts compute them; so are those beside them here.\n\n"
            f"{markdown_table(['Method', *compared], rows)}"
        )

    def _tests(self, results: Mapping[str, RowResult], comparisons: Comparisons, metrics: Sequence[str]) -> str:
        rows = [
            [name, *(difference(*comparisons.get((name, metric), (None, None))) for metric in metrics)]
            for name in results
            if name != self.reference
        ]
        return (
            f"## Against {self.reference}\n\nMedian over patients of the difference (row minus {self.reference}), its "
            "95 % bootstrap interval, and p of the Wilcoxon signed-rank test, paired by patient, after Holm's "
            "correction for all tests of this table. Bold: p < 0.05.\n\n"
            f"{markdown_table(['Method', *metrics], rows)}"
        )

    def _orderings(self, results: Mapping[str, RowResult], orderings: Mapping[str, Any]) -> str:
        lines = [
            "## Which orderings of the paper hold",
            "",
            "Pairs of rows with different figures in the paper; Q_XY and Q_P as in the table beside the paper's.",
            "",
        ]
        for metric, found in orderings.items():
            compared = len(found.hold) + len(found.reverse)
            told = f"{len(found.hold)} of {compared} pairs hold" if compared else "nothing to compare yet"
            means = {
                name: self.mean(result, CENTRE.get(metric, metric))
                for name, result in results.items()
                if self.paper[name]
            }
            here = ranking({name: None if mean is None else round(mean, 3) for name, mean in means.items()})
            paper = ranking({name: figures.get(metric) for name, figures in self.paper.items()})
            lines += [
                f"- {metric}: {told}{f' ({len(found.gaps)} not run)' if found.gaps else ''}.",
                f"  - paper: {paper}",
                f"  - here: {here or GAP}",
            ]
            if found.reverse:
                pairs = "; ".join(f"{better} over {worse}" for better, worse in found.reverse)
                lines.append(f"  - does not hold: {pairs}")
        return "\n".join(lines) + "\n"
