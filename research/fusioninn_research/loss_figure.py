"""The losses of one training, trained where that is needed: Fig. 3 of the paper."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.training.history import HISTORY, read_history

from .cell_sample import budget_words
from .cells import cells_of
from .grid import TRAINING, Grid
from .loss_curves import draw_loss_curves


class LossFigure:
    """Loss curves of a cell.

    Args:
        grid: where the cell is, and what trains it.
        row: method and settings, see `cells_of`.
        seed: seed of the training. Defaults to 0.
        unfinished: draw a training that has not come to its end, and say so. Defaults to False.
    """

    def __init__(self, grid: Grid, row: Mapping[str, Any], seed: int = 0, unfinished: bool | str = False) -> None:
        self.grid = grid
        self.name = row["name"]
        (self.cell,) = cells_of(row, [seed])
        self.unfinished = is_true(unfinished)

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Train where that is needed, then draw.

        Raises:
            BadInputError: the training failed or is not finished, it was made with other settings or left no history,
                or the file cannot be written.
        """
        failed = self.grid.run([self.cell]) if not self.unfinished else {}
        for problem in failed.values():
            raise BadInputError(f"{self.cell.label} was not trained: {problem}")
        finished = self.grid.trained(self.cell)
        if not (finished or self.unfinished):
            raise BadInputError(f"{self.cell.label} is not trained. Leave --train true, or give --unfinished true.")
        history = self.grid.folder / self.cell.folder / TRAINING / HISTORY
        rows = read_history(history)
        state = "" if finished else f"  NOT FINISHED: {rows[-1]['epoch'] if rows else 0} epochs so far."
        footer = f"{budget_words(self.grid, [self.cell])}.  The numbers are the last epoch's.{state}"
        draw_loss_curves(rows, f"FusionINN, {self.name}", footer, str(history)).save(path)
