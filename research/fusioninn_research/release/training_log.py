"""Losses of a training: ``python -m fusioninn_research.release.training_log HISTORY PICTURE LOG``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scripts.training.history import read_history

from ..loss_curves import draw_loss_curves


def write_log(history: Path, picture: Path, log: Path) -> None:
    """Draw the losses, and copy the table.

    Args:
        history: ``history.csv`` of the training.
        picture: PNG to write.
        log: where the table goes.
    """
    rows = read_history(history)
    footer = f"Training of the shipped weights, {len(rows)} epochs.  The numbers are the last epoch's."
    draw_loss_curves(rows, "Losses by epoch", footer, str(history)).save(picture)
    shutil.copyfile(history, log)


if __name__ == "__main__":
    write_log(*map(Path, sys.argv[1:4]))
