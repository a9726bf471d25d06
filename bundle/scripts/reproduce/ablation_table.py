"""Table 2: what the weights α and λ, the number of blocks and the latent do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .comparisons import Comparisons, compare_rows
from .grid import Grid
from .markdown import PAPER, difference, figure, table
from .orderings import compare_orderings
from .paper_table import PaperTable
from .results import RowResult


class AblationTable(PaperTable):
    """Train and evaluate the cells, and write ``table2.md``, ``.csv`` and ``.json`` beside them.

    Rows that are the same cell, as the base is in every group, are trained once.

    Args:
        rows: see `scripts.reproduce.cells.cells_of`; "group" and "value" say where a row stands, "paper" holds the
            paper's figures by column.
        base: name of the row that the others are tested against.
        groups: headings of the groups by name.
        grid: trains and evaluates.
        seeds: seeds of the training.
        sources: names of the sources.
        only: rows that are run, see `Rows`. Defaults to None, all.
        name: stem of the files. Defaults to "table2".
    """

    TITLE = "Table 2: weights, blocks and latent of FusionINN"

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        base: str,
        groups: Mapping[str, str],
        grid: Grid,
        seeds: Sequence[int],
        sources: Sequence[str] = ("t1gd", "flair"),
        only: str | Sequence[str] | None = None,
        name: str = "table2",
    ) -> None:
        super().__init__(rows, base, grid, seeds, sources, only, name)
        self.described = {row["name"]: row for row in rows}
        self.groups = dict(groups)

    def columns(self, region: str) -> list[str]:
        """Columns of the similarity with every source, of the fused and of the decomposed images."""
        return [f"{what}_{source}_{region}" for what in ("fused", "decomposed") for source in self.sources]

    def write(self, results: Mapping[str, RowResult]) -> None:
        """Write the table of what is there."""
        columns = self.columns("slice")
        # The base stands in every group: one of its rows is enough in the tests.
        own = {name: result for name, result in results.items() if name == self.reference or not self._is_base(name)}
        comparisons = compare_rows(own, self.reference, columns)
        orderings = {
            group: {
                column: compare_orderings(self._papers(group, column), self._means(group, results, column))
                for column in columns
            }
            for group in self.groups
        }
        parts = [
            self.caption(results),
            "SSIM with the sources; the decomposed images are estimated from the fused image as stored in 8 bits, with "
            "the kind of latent that the cell was trained with. In brackets the paper's figures "
            f"({PAPER}, Table 2), of BraTS 2018 with slices of a patient on both sides of the split.\n",
            *(self._group(group, results, columns, comparisons, orderings[group]) for group in self.groups),
        ]
        every = [*columns, *self.columns("brain")]
        more = {
            "base": self.reference,
            "orderings": {
                group: {column: asdict(found) for column, found in of_group.items()}
                for group, of_group in orderings.items()
            },
        }
        self.write_files(parts, results, every, comparisons, self.paper, more, told="\n".join(parts[2:]))

    def _names(self, group: str) -> list[str]:
        return [name for name, row in self.described.items() if row.get("group") == group]

    def _is_base(self, name: str) -> bool:
        return self.rows.cells[name] == self.rows.cells[self.reference]

    def _papers(self, group: str, column: str) -> dict[str, float | None]:
        return {name: self.paper[name].get(column) for name in self._names(group)}

    def _means(self, group: str, results: Mapping[str, RowResult], column: str) -> dict[str, float | None]:
        return {name: self.mean(results[name], column) for name in self._names(group)}

    def _group(
        self,
        group: str,
        results: Mapping[str, RowResult],
        columns: Sequence[str],
        comparisons: Comparisons,
        orderings: Mapping[str, Any],
    ) -> str:
        names = self._names(group)
        value = {name: str(self.described[name].get("value", name)) for name in names}
        shown = [f"{what} {source}" for what in ("fused", "decomposed") for source in self.sources]
        scores = [
            [
                value[name],
                *(figure(results[name].spread(c), self.paper[name].get(c), results[name].gap) for c in columns),
                self.over_seeds(results[name], columns[-1]),
            ]
            for name in names
        ]
        inside = [
            [value[name], *(figure(results[name].spread(c), gap=results[name].gap) for c in self.columns("brain"))]
            for name in names
        ]
        tests = [
            [value[name], *(difference(*comparisons.get((name, c), (None, None))) for c in columns)]
            for name in names
            if not self._is_base(name)
        ]
        hold = [
            f"{words}: {len(found.hold)} of {len(found.hold) + len(found.reverse)}"
            + (f" ({len(found.gaps)} not run)" if found.gaps else "")
            for words, found in zip(shown, orderings.values(), strict=True)
        ]
        return "\n".join(
            [
                f"## {self.groups[group]}\n",
                table([group, *shown, f"{shown[-1]} over seeds"], scores),
                "Inside the brain, where the black background does not count:\n",
                table([group, *shown], inside),
                f"Against {self.reference}: median over patients of the difference, its 95 % bootstrap interval, p of "
                "the Wilcoxon signed-rank test after Holm's correction for all tests of this table. Bold: p < 0.05.\n",
                table([group, *shown], tests),
                f"Orderings of the paper that hold: {', '.join(hold)}.\n",
            ]
        )
