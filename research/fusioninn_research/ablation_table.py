"""What one change at a time does: Table 2 of the paper (α, λ, blocks, latent), or a record of other changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scripts.outputs.tables import markdown_table

from .comparisons import Comparisons, compare_rows
from .grid import Grid
from .markdown import PAPER, difference, figure
from .orderings import compare_orderings
from .paper_table import PaperTable
from .results import RowResult


class AblationTable(PaperTable):
    """Train and evaluate the cells, and write ``<name>.md``, ``.csv`` and ``.json`` beside them.

    Rows that are the same cell, as the base is in every group of Table 2, are trained once. In a group that has no row
    of the base's cell the base stands first.

    Args:
        rows: see `fusioninn_research.cells.cells_of`; "group" and "value" say where a row stands, "paper" holds the
            paper's figures by column, where it has some.
        base: name of the row that the others are tested against.
        groups: headings of the groups by name.
        grid: trains and evaluates.
        seeds: seeds of the training.
        sources: names of the sources.
        only: rows that are run, see `Rows`. Defaults to None, all.
        name: stem of the files. Defaults to "table2".
        title: title of the table. Defaults to that of Table 2.
        about: what the figures are, below the caption. Defaults to that of Table 2.
        columns: headings of the figures by column. Defaults to None: SSIM over the slice, and inside the brain in a
            table of its own.
        tested: columns that are tested against the base. Defaults to None, all that are shown.
        bases: names of other rows that the rows of a group are tested against, by group. Defaults to None.
        ceiling: name of the row of the ceiling, which the column "fused_brain_share" is a share of. Defaults to None,
            no such column.
    """

    TITLE = "Table 2: weights, blocks and latent of FusionINN"
    ABOUT = (
        "SSIM with the sources; the decomposed images are estimated from the fused image as stored in 8 bits, with "
        f"the kind of latent that the cell was trained with. In brackets the paper's figures ({PAPER}, Table 2), of "
        "BraTS 2018 with slices of a patient on both sides of the split."
    )

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
        title: str | None = None,
        about: str | None = None,
        columns: Mapping[str, str] | None = None,
        tested: Sequence[str] | None = None,
        bases: Mapping[str, str] | None = None,
        ceiling: str | None = None,
    ) -> None:
        super().__init__(rows, base, grid, seeds, sources, only, name)
        self.described = {row["name"]: row for row in rows}
        self.groups = dict(groups)
        self.title = title or self.TITLE
        self.about = about or self.ABOUT
        self.shown = dict(columns or self.columns("slice"))
        self.inside = {} if columns else self.columns("brain")
        self.tested = list(tested or self.shown)
        self.bases = dict(bases or {})
        self.ceiling = ceiling

    def columns(self, region: str) -> dict[str, str]:
        """Columns of the similarity of fused and decomposed images with every source, and their headings."""
        return {
            f"{what}_{source}_{region}": f"{what} {source}"
            for what in ("fused", "decomposed")
            for source in self.sources
        }

    def write(self, results: Mapping[str, RowResult]) -> None:
        """Write the table of the rows that were run; its caption names the others."""
        results = self.with_shares(results)
        # The base stands in every group: one of its rows is enough in the tests.
        own = {
            name: result
            for name, result in results.items()
            if result.seeds and (name == self.reference or not self._is_base(name))
        }
        comparisons = compare_rows(own, self.reference, self.tested, self._others())
        orderings = {
            group: {
                column: compare_orderings(self._papers(group, column), self._means(group, results, column))
                for column in self.shown
            }
            for group in self.groups
        }
        parts = [
            self.caption(results),
            f"{self.about}\n",
            *(
                self._group(group, results, comparisons, orderings[group])
                for group in self.groups
                if any(results[name].seeds for name in self._changes(group))
            ),
        ]
        more = {
            "base": self.reference,
            "orderings": {
                group: {column: asdict(found) for column, found in of_group.items()}
                for group, of_group in orderings.items()
            },
        }
        every = [*self.shown, *self.inside]
        self.write_files(parts, results, every, comparisons, self.paper, more, told="\n".join(parts[2:]))

    def with_shares(self, results: Mapping[str, RowResult]) -> dict[str, RowResult]:
        """Add the share of the ceiling, patient by patient, where the ceiling is known."""
        if self.ceiling is None:
            return dict(results)
        highest = results[self.ceiling].by_patient("fused_brain")
        return {name: result.with_share("fused_brain", highest) for name, result in results.items()}

    def _names(self, group: str) -> list[str]:
        names = [name for name, row in self.described.items() if row.get("group") == group]
        base = self.bases.get(group, self.reference)
        return names if any(self.rows.cells[name] == self.rows.cells[base] for name in names) else [base, *names]

    def _others(self) -> dict[str, str]:
        """Bases of the rows that have another one; such a base itself is tested against that of the table."""
        return {
            name: self.bases[row["group"]]
            for name, row in self.described.items()
            if row.get("group") in self.bases and name != self.bases[row["group"]]
        }

    def _changes(self, group: str) -> list[str]:
        """The rows of a group but for those that it is compared with."""
        return [name for name in self._names(group) if not self._is_base(name) and name != self.bases.get(group)]

    def _is_base(self, name: str) -> bool:
        return self.rows.cells[name] == self.rows.cells[self.reference]

    def _papers(self, group: str, column: str) -> dict[str, float | None]:
        return {name: self.paper[name].get(column) for name in self._names(group)}

    def _means(self, group: str, results: Mapping[str, RowResult], column: str) -> dict[str, float | None]:
        return {name: self.mean(results[name], column) for name in self._names(group)}

    def _group(
        self, group: str, results: Mapping[str, RowResult], comparisons: Comparisons, orderings: Mapping[str, Any]
    ) -> str:
        names = [name for name in self._names(group) if results[name].seeds]
        value = {name: str(self.described[name].get("value", name)) for name in names}
        last = list(self.shown)[-1]
        scores = [
            [
                value[name],
                *(figure(results[name].spread(c), self.paper[name].get(c)) for c in self.shown),
                self.over_seeds(results[name], last),
            ]
            for name in names
        ]
        parts = [
            f"## {self.groups[group]}\n",
            markdown_table([group, *self.shown.values(), f"{self.shown[last]} over seeds"], scores),
        ]
        if self.inside:
            inside = [[value[name], *(figure(results[name].spread(c)) for c in self.inside)] for name in names]
            parts += [
                "Inside the brain, where the black background does not count:\n",
                markdown_table([group, *self.inside.values()], inside),
            ]
        tests = [
            [value[name], *(difference(*comparisons.get((name, c), (None, None))) for c in self.tested)]
            for name in self._changes(group)
            if results[name].seeds
        ]
        parts += [
            f"Against {self.bases.get(group, self.reference)}: median over patients of the difference, its 95 % "
            "bootstrap interval, p of the Wilcoxon signed-rank test after Holm's correction for all tests of this "
            "table. Bold: p < 0.05.\n",
            markdown_table([group, *(self.shown.get(c, c) for c in self.tested)], tests),
        ]
        if any(self.paper[name] for name in names):
            hold = [
                f"{words}: {len(found.hold)} of {len(found.hold) + len(found.reverse)}"
                + (f" ({len(found.gaps)} not run)" if found.gaps else "")
                for words, found in zip(self.shown.values(), orderings.values(), strict=True)
            ]
            parts.append(f"Orderings of the paper that hold: {', '.join(hold)}.\n")
        remarks = [f"{value[name]}: {self.described[name]['remark']}\n" for name in names if self._has_remark(name)]
        return "\n".join([*parts, *remarks])

    def _has_remark(self, name: str) -> bool:
        return bool(self.described[name].get("remark"))
