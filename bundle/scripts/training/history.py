"""History: a table of every loss term and SSIM of every epoch."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from torch.optim import Optimizer

from scripts.data.errors import BadInputError
from scripts.outputs.writing import result_file

from .deciding_loss import DecidingLoss

HISTORY = "history.csv"
PARTS = ("train", "validation")

Row = dict[str, Any]
"""One epoch of one part: "epoch" (int), "part" (of `PARTS`), "learning_rate" (training only) and the terms (float)."""


class History:
    """Write `history.csv`: a row for the training of every epoch, and one for its validation, if any.

    A resumed run continues the table; rows of epochs that it repeats are replaced. To be attached after the
    validation and before the checkpoints, so that an epoch that is saved is in the table.

    Args:
        output_dir: folder of the run.
        deciding_loss: knows the evaluator, and which epochs are validated.
        optimizer: knows the learning rate.
    """

    def __init__(self, output_dir: str, deciding_loss: DecidingLoss, optimizer: Optimizer) -> None:
        self.path = Path(output_dir) / HISTORY
        self.deciding_loss = deciding_loss
        self.optimizer = optimizer

    def attach(self, engine: Engine) -> None:
        """Act at the start and at the end of every epoch of `engine`, in the first process only."""
        if idist.get_rank() == 0:
            # before hours go into training, not after the first epoch
            engine.add_event_handler(Events.STARTED, lambda: self.earlier(1))
            engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def earlier(self, epoch: int) -> list[Row]:
        """Return the rows of epochs before `epoch`.

        Raises:
            BadInputError: the file of an earlier run cannot be read.
        """
        return [row for row in read_history(self.path) if row["epoch"] < epoch] if self.path.exists() else []

    def __call__(self, engine: Engine) -> None:
        """Write the table with this epoch."""
        epoch = engine.state.epoch
        rate = self.optimizer.param_groups[0]["lr"]
        rows = [*self.earlier(epoch), {"epoch": epoch, "part": "train", "learning_rate": rate, **engine.state.metrics}]
        if self.deciding_loss.validates and self.deciding_loss(engine) is not None:
            rows.append({"epoch": epoch, "part": "validation", **self.deciding_loss.evaluator.state.metrics})
        names = list(dict.fromkeys(name for row in rows for name in row))
        with result_file(self.path, ".csv") as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)


def read_history(path: str | os.PathLike[str]) -> list[Row]:
    """Read what `History` wrote, in order.

    Raises:
        BadInputError: the file is missing or is not such a table.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInputError(f"No history at {path}. It is written by training, with configs/train.json.")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [_parsed(row) for row in csv.DictReader(file)]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadInputError(
            f'{path} cannot be read as a history of training ({error}): expected a table with the columns "epoch", '
            '"part" (train or validation) and one for each term. Move it away, or train again.'
        ) from error
    return rows


def _parsed(row: dict[str, str]) -> Row:
    epoch, part = int(row.pop("epoch")), row.pop("part")
    if part not in PARTS:
        raise ValueError(f'"{part}" is not one of {", ".join(PARTS)}')
    return {"epoch": epoch, "part": part, **{name: float(value) for name, value in row.items() if value != ""}}
