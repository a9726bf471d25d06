"""Cells of a table: one method with its settings and one seed, trained and evaluated once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError

ROW_KEYS = {"name", "method", "cell", "training", "ckpt_path", "overrides", "paper", "group", "value", "remark"}


@dataclass(frozen=True)
class Cell:
    """What is trained and evaluated.

    Args:
        name: name of the folder.
        method: file in configs/methods.
        seed: seed of the training.
        training: config files below the method's, None where nothing is trained.
        ckpt_path: weights where others are used than those of the training. Defaults to None.
        overrides: keys of the command, for training and evaluation. Defaults to none.
    """

    name: str
    method: str
    seed: int
    training: tuple[str, ...] | None
    ckpt_path: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """The cell in messages."""
        return f"{self.name}, seed {self.seed}"

    @property
    def folder(self) -> Path:
        """Where its files are, below the folder of the setting."""
        return Path(self.name) / f"seed{self.seed}"


def cell_name(method: str, overrides: Mapping[str, Any]) -> str:
    """Name the folder of a method with overrides, for instance ``fusioninn_alpha-0.5_blocks-3``."""
    return "_".join([method, *(f"{key}-{overrides[key]}" for key in sorted(overrides))])


def cells_of(row: Mapping[str, Any], seeds: Sequence[int]) -> list[Cell]:
    """Cells of a row of a table, one for each seed; one in all where nothing is trained.

    Args:
        row: "name" and "method"; "training" (config files below the method's) where it is trained; "ckpt_path" where
            other weights are used; "overrides" of both commands; "cell" for another name of the folder.
        seeds: seeds of the training.

    Returns:
        the cells.

    Raises:
        BadInputError: a key is missing or unknown.
    """
    unknown = sorted(row.keys() - ROW_KEYS)
    missing = sorted({"name", "method"} - row.keys())
    if unknown or missing:
        what = f"the unknown key {unknown[0]!r}" if unknown else f"no {missing[0]!r}"
        raise BadInputError(f"The row {row.get('name', dict(row))} has {what}. Keys of a row: {sorted(ROW_KEYS)}.")
    overrides = row.get("overrides") or {}
    training = row.get("training")
    return [
        Cell(
            row.get("cell") or cell_name(row["method"], overrides),
            row["method"],
            seed,
            tuple(training) if training else None,
            row.get("ckpt_path"),
            overrides,
        )
        for seed in (seeds if training else seeds[:1])
    ]
