"""Base class of the tables: rows of cells, one of them the reference, and the files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError

from .comparisons import Comparisons, budgets, flat_table
from .grid import Grid
from .markdown import GAP, caption
from .results import RowResult
from .rows import Rows
from .table_files import write_table


class PaperTable:
    """Train and evaluate the cells of a table, then write it as Markdown, CSV and JSON beside them.

    Args:
        rows: see `fusioninn_research.cells.cells_of`; "paper" holds the paper's figures by column.
        reference: name of the row that the others are tested against.
        grid: trains and evaluates.
        seeds: seeds of the trained rows.
        sources: names of the sources.
        only: rows that are run, see `Rows`; None for all.
        name: stem of the files.

    Raises:
        BadInputError: when there is no row of the reference's name.
    """

    TITLE: str = ""

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        reference: str,
        grid: Grid,
        seeds: Sequence[int],
        sources: Sequence[str],
        only: str | Sequence[str] | None,
        name: str,
    ) -> None:
        self.rows = Rows(rows, seeds, grid, only)
        if reference not in self.rows.cells:
            raise BadInputError(f"There is no row {reference!r} to test against. Rows: {', '.join(self.rows.cells)}.")
        self.reference = reference
        self.title = self.TITLE
        self.grid = grid
        self.seeds = list(seeds)
        self.sources = list(sources)
        self.name = name
        self.paper = {row["name"]: dict(row.get("paper") or {}) for row in rows}
        self.logger = logging.getLogger(__name__)

    def run(self) -> dict[str, RowResult]:
        """Run every cell and write the table.

        Returns:
            results by row.

        Raises:
            BadInputError: when a cell failed; the table of the others is written first.
        """
        results, failed = self.rows.run()
        self.write(results)
        if failed:
            told = "\n".join(f"- {label}: {problem}" for label, problem in failed.items())
            raise BadInputError(f"{len(failed)} cell(s) failed; the others are in the table:\n{told}")
        return results

    def write(self, results: Mapping[str, RowResult]) -> None:
        """Write the table of the rows that were run; its caption names the others."""
        raise NotImplementedError

    def caption(self, results: Mapping[str, RowResult]) -> str:
        """What the table is of, and what is missing."""
        data, trained_on = self.grid.dataset_dir.name, self.grid.training_dir
        if trained_on is not None:
            data = f"{data}, and for training all patients of {trained_on.name}"
        return caption(self.title, self.grid.budget.setting, data, self.seeds, results)

    def write_files(
        self,
        markdown: Sequence[str],
        results: Mapping[str, RowResult],
        columns: Sequence[str],
        comparisons: Comparisons,
        paper: Mapping[str, Mapping[str, float]],
        more: Mapping[str, Any],
        told: str,
    ) -> None:
        """Write the files of the table, and tell where they are.

        Args:
            markdown: parts of the table to be read, from its caption on.
            results: results by row.
            columns: figures that are kept.
            comparisons: tests against the reference.
            paper: the paper's figures by row and column.
            more: what the JSON holds beside these.
            told: what the log shows of it.
        """
        content = {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "setting": self.grid.budget.setting,
            "data": self.grid.dataset_dir.name,
            "seeds": self.seeds,
            "rows": budgets(results),
            **more,
        }
        table = flat_table(results, columns, comparisons, paper)
        paths = write_table(self.grid.folder, self.name, "\n".join(markdown), table, content)
        self.logger.info(f"{self.title.partition(':')[0]} is in {paths[0]}\n\n{told}")

    @staticmethod
    def mean(result: RowResult, column: str) -> float | None:
        """Mean of a figure over patients, None in a gap."""
        spread = result.spread(column)
        return spread.mean if spread else None

    @staticmethod
    def over_seeds(result: RowResult, column: str) -> str:
        """Standard deviation of a figure over seeds in words."""
        spread = result.spread(column)
        return GAP if spread is None or spread.seeds is None else f"± {spread.seeds:.4f}"
