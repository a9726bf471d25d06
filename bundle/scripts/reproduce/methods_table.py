"""Table 1: how well the methods fuse."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.metrics import FUSION_METRICS

from .figures import budgets, compare_rows, flat_rows, plain
from .grid import Grid
from .markdown import GAP, PAPER, caption, difference, figure, table
from .orderings import compare_orderings, ranking
from .results import RowResult
from .rows import Rows
from .table_files import write_table

CENTRE = {"Q_XY": "Q_XY_centre", "Q_P": "Q_P_centre"}
"""Columns that compare with the paper, whose scripts measure the centre of the image only."""

INSIDE = {"fused, brain": "fused_brain", "fused, lesion": "fused_lesion"}
"""SSIM with the sources, mean of both, where the black background does not count."""


class MethodsTable:
    """Train and evaluate the methods, and write ``table1.md``, ``.csv`` and ``.json`` beside their cells.

    Args:
        rows: the methods, see `scripts.reproduce.cells.cells_of`; "paper" holds the paper's figures.
        reference: name of the row that the others are tested against.
        grid: trains and evaluates.
        seeds: seeds of the trained methods.
        sources: names of the sources.
        only: rows that are run, see `Rows`. Defaults to None, all.
        name: stem of the files. Defaults to "table1".
    """

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
        self.rows = Rows(rows, seeds, grid, only)
        if reference not in self.rows.cells:
            raise BadInputError(f"There is no row {reference!r} to test against. Rows: {', '.join(self.rows.cells)}.")
        self.reference = reference
        self.grid = grid
        self.seeds = list(seeds)
        self.sources = list(sources)
        self.name = name
        self.remarks = {row["name"]: row["remark"] for row in rows if row.get("remark")}
        self.paper = {row["name"]: dict(row.get("paper") or {}) for row in rows}
        self.logger = logging.getLogger(__name__)

    def run(self) -> None:
        """Bring the cells to their end and write the table.

        Raises:
            BadInputError: when a cell failed; the table of the others is written first.
        """
        results, failed = self.rows.run()
        self.write(results)
        if failed:
            told = "\n".join(f"- {label}: {problem}" for label, problem in failed.items())
            raise BadInputError(f"{len(failed)} cell(s) failed; the others are in the table:\n{told}")

    def write(self, results: Mapping[str, RowResult]) -> None:
        """Write the table of what is there."""
        metrics = list(FUSION_METRICS)
        columns = metrics + list(CENTRE.values())
        comparisons = compare_rows(results, self.reference, metrics)
        paper = {
            name: {CENTRE.get(metric, metric): value for metric, value in figures.items()}
            for name, figures in self.paper.items()
        }
        orderings = {
            metric: compare_orderings(
                {name: figures.get(metric) for name, figures in self.paper.items()},
                {name: self._mean(result, CENTRE.get(metric, metric)) for name, result in results.items()},
            )
            for metric in metrics
        }
        parts = [
            caption(
                "Table 1: fusion by all methods",
                self.grid.budget.setting,
                self.grid.dataset_dir.name,
                self.seeds,
                results,
            ),
            self._scores(results, metrics),
            self._inside(results),
            self._beside_the_paper(results, paper, columns),
            self._tests(results, comparisons, metrics),
            self._orderings(results, orderings),
        ]
        content = {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "setting": self.grid.budget.setting,
            "data": self.grid.dataset_dir.name,
            "seeds": self.seeds,
            "reference": self.reference,
            "rows": budgets(results),
            "figures": flat_rows(results, [*columns, *self._inside_columns().values()], comparisons, paper),
            "orderings": {metric: plain(found) for metric, found in orderings.items()},
        }
        paths = write_table(self.grid.folder, self.name, "\n".join(parts), content["figures"], content)
        self.logger.info(f"Table 1 is in {paths[0]}\n\n{parts[0]}\n{parts[1]}")

    def _scores(self, results: Mapping[str, RowResult], metrics: Sequence[str]) -> str:
        rows = []
        for name, result in results.items():
            seconds = GAP if result.seconds_per_slice is None else f"{result.seconds_per_slice:.3f}"
            steps = str(result.budget.get("steps", GAP))
            cells = [figure(result.spread(metric), gap=result.gap) for metric in metrics]
            rows.append([name, *cells, *(self._over_seeds(result)), steps, seconds])
        notes = "".join(f"\n{name}: {remark}\n" for name, remark in self.remarks.items())
        header = ["Method", *metrics, "Q_SSIM over seeds", "steps of training", "s per slice to fuse"]
        return f"## Scores\n\nThe higher the better.\n\n{table(header, rows)}{notes}"

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
            [name, *(figure(result.spread(column), gap=result.gap) for column in columns.values())]
            for name, result in results.items()
        ]
        return (
            "## Inside brain and lesion, and decomposed\n\nSSIM. Fused: mean over the sources, over windows centred in "
            "the region. Decomposed: estimated from the fused image as stored in 8 bits; the other methods cannot be "
            f"decomposed.\n\n{table(['Method', *columns], rows)}"
        )

    def _over_seeds(self, result: RowResult) -> list[str]:
        spread = result.spread("Q_SSIM")
        return [GAP if spread is None or spread.seeds is None else f"± {spread.seeds:.4f}"]

    def _beside_the_paper(
        self, results: Mapping[str, RowResult], paper: Mapping[str, Mapping[str, float]], columns: Sequence[str]
    ) -> str:
        compared = [column for column in columns if column not in CENTRE]
        rows = [
            [name, *(figure(result.spread(column), paper[name].get(column), result.gap) for column in compared)]
            for name, result in results.items()
            if paper[name]
        ]
        return (
            f"## Beside the paper's Table 1\n\nIn brackets the paper's figures ({PAPER}), of BraTS 2018 with slices of "
            "a patient on both sides of the split. Its Q_XY and Q_P are of the centre of the image only (3 × 3 and "
            "11 × 11 pixels), as its scripts compute them; so are those beside them here.\n\n"
            f"{table(['Method', *compared], rows)}"
        )

    def _tests(self, results: Mapping[str, RowResult], comparisons: Any, metrics: Sequence[str]) -> str:
        rows = [
            [name, *(difference(*comparisons.get((name, metric), (None, None))) for metric in metrics)]
            for name in results
            if name != self.reference
        ]
        return (
            f"## Against {self.reference}\n\nMedian over patients of the difference (row minus {self.reference}), its "
            "95 % bootstrap interval, and p of the Wilcoxon signed-rank test, paired by patient, after Holm's "
            "correction for all tests of this table. Bold: p < 0.05.\n\n"
            f"{table(['Method', *metrics], rows)}"
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
            here = ranking(
                {
                    name: None
                    if self._mean(result, CENTRE.get(metric, metric)) is None or not self.paper[name]
                    else round(self._mean(result, CENTRE.get(metric, metric)), 3)
                    for name, result in results.items()
                }
            )
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

    @staticmethod
    def _mean(result: RowResult, column: str) -> float | None:
        spread = result.spread(column)
        return spread.mean if spread else None
