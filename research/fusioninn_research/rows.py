"""Run every cell of a table and collect the results."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json
from scripts.networks.weights import read_checkpoint
from scripts.training.checkpoints import LAST

from .cells import Cell, cells_of
from .grid import TRAINING, Grid
from .results import RowResult, read_patients, read_summary

NOT_RUN = "not run"


class Rows:
    """The rows of a table with their cells.

    Args:
        rows: see `cells_of`.
        seeds: seeds of the trained rows.
        grid: trains and evaluates.
        only: names, methods or cells of the rows that are run; the others are read where they are there. Defaults to
            None, all.

    Raises:
        BadInputError: `only` names no row, or see `cells_of`.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        seeds: Sequence[int],
        grid: Grid,
        only: str | Sequence[str] | None = None,
    ) -> None:
        self.rows = list(rows)
        self.grid = grid
        self.cells = {row["name"]: cells_of(row, seeds) for row in self.rows}
        wanted = [only] if isinstance(only, str) else list(only or [])
        self.wanted = [
            row["name"]
            for row in self.rows
            if not wanted or {row["name"], row["method"], self.cells[row["name"]][0].name} & set(wanted)
        ]
        known = {name for row in self.rows for name in (row["name"], row["method"], self.cells[row["name"]][0].name)}
        if set(wanted) - known:
            raise BadInputError(
                f"There is no row {sorted(set(wanted) - known)[0]!r}. Rows: {', '.join(self.cells)}. Give names, "
                "methods or cells by --only."
            )

    def run(self) -> tuple[dict[str, RowResult], dict[str, str]]:
        """Run what is to be run, and read what is there.

        Returns:
            results by row, a gap where there is none, and messages of the cells that failed by their labels.
        """
        failed = self.grid.run(cell for name in self.wanted for cell in self.cells[name])
        results = {name: self._read(cells, failed) for name, cells in self.cells.items()}
        return results, {cell.label: problem for cell, problem in failed.items()}

    def _read(self, cells: Sequence[Cell], failed: Mapping[Cell, str]) -> RowResult:
        there: dict[int, Path] = {}
        for cell in cells:
            self.grid.check(cell)
            folder = self.grid.finished(cell)
            if folder:
                there[cell.seed] = folder
        missing = [cell for cell in cells if cell.seed not in there]
        gap = None
        if missing:
            gap = "failed" if any(cell in failed for cell in missing) else NOT_RUN
            if there:
                noun = "seed" if len(missing) == 1 else "seeds"
                gap = f"{noun} {', '.join(str(cell.seed) for cell in missing)} {gap}"
        if not there:
            return RowResult(gap=gap)
        summaries = [read_summary(folder) for folder in there.values()]
        seconds = [s["seconds_per_slice"] for s in summaries if s.get("seconds_per_slice") is not None]
        return RowResult.of(
            {seed: read_patients(folder) for seed, folder in there.items()},
            gap,
            summaries[0]["slices"],
            float(np.mean(seconds)) if seconds else None,
            self._budget(cells[0]),
        )

    def _budget(self, cell: Cell) -> dict[str, Any]:
        """What a training took, as its last checkpoint and its split tell."""
        folder = self.grid.folder / cell.folder / TRAINING
        if cell.training is None or not (folder / LAST).is_file():
            return {}
        last = read_checkpoint(folder / LAST)
        config = self.grid.training_config(cell).get()
        steps = [int(state["step"]) for state in last["optimizer"]["state"].values() if "step" in state]
        budget = {"epochs": last["epoch"], "steps": max(steps, default=None)}
        budget |= {key: config[key] for key in ("batch_size", "image_size", "width") if key in config}
        try:
            budget["training_patients"] = len(read_json(folder / "split.json")["train"])
        except (ValueError, KeyError):
            logging.getLogger(__name__).warning(f"{folder} has no split.json: its number of patients is not known.")
        return budget
