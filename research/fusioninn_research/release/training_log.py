"""Losses of a training: ``python -m fusioninn_research.release.training_log HISTORY … PICTURE LOG``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from scripts.training.history import read_history

from ..loss_curves import draw_loss_curves


def write_log(histories: Sequence[Path], picture: Path, log: Path) -> None:
    """Draw the losses, and write them to one table.

    Args:
        histories: ``history.csv`` of each stage of the training; the epochs of a stage continue those before.
        picture: PNG to write.
        log: where the table goes.
    """
    rows, before = [], 0
    for history in histories:
        stage = read_history(history)
        rows += [{**row, "epoch": before + row["epoch"]} for row in stage]
        before = rows[-1]["epoch"]
    footer = f"Training by the recipe of the shipped weights, {before} epochs.  The numbers are the last epoch's."
    draw_loss_curves(rows, "Losses by epoch", footer, str(histories[0])).save(picture)
    pd.DataFrame(rows).to_csv(log, index=False, float_format="%.6g")


if __name__ == "__main__":
    *_histories, _picture, _log = map(Path, sys.argv[1:])
    write_log(_histories, _picture, _log)
