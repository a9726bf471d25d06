"""Write tables: CSV for rows, JSON for summaries, and text."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scripts.outputs.writing import result_file

PLACES = 8


def write_csv(
    path: str | os.PathLike[str],
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str] | None = None,
    places: int | None = PLACES,
) -> None:
    """Write rows as CSV atomically, with empty cells for missing numbers.

    Args:
        path: file to write.
        rows: value of each column; columns may be missing.
        columns: names of the columns, in order. Defaults to None (those of the first row).
        places: decimal places of numbers; None for full precision. Defaults to 8.

    Raises:
        BadInputError: the file cannot be written.
    """
    columns = list(rows[0]) if columns is None else columns
    with result_file(path, suffix=".csv") as temporary, Path(temporary).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(row.get(column), places) for column in columns] for row in rows)


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write an object as JSON atomically.

    Raises:
        BadInputError: the file cannot be written.
        ValueError: it contains NaN or Inf.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text atomically.

    Raises:
        BadInputError: the file cannot be written.
    """
    with result_file(path, suffix=Path(path).suffix) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; columns after the first are right-aligned.

    Args:
        header: names of the columns.
        rows: a cell for each column.
    """
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def known(value: Any) -> Any:
    """Return the value, or None for a NaN or infinite number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def mean_of(values: Sequence[float | None], places: int = PLACES) -> float | None:
    """Return the mean of the known values; None without any."""
    there = _there(values)
    return round(fmean(there), places) if there else None


def deviation_of(values: Sequence[float | None], places: int = PLACES) -> float | None:
    """Return the standard deviation (n - 1) of the known values; None for fewer than two."""
    there = _there(values)
    return round(stdev(there), places) if len(there) > 1 else None


def _there(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if known(value) is not None]


def _cell(value: Any, places: int | None) -> Any:
    value = known(value)
    return f"{value:.{places}f}" if isinstance(value, float) and places is not None else value


def aligned(rows: Sequence[Sequence[str]], names: Sequence[str], heads: Sequence[str]) -> list[str]:
    """Return the lines of a text table.

    Args:
        rows: the cells.
        names: name of each row.
        heads: name of each column.
    """
    table = [["", *heads], *([name, *row] for name, row in zip(names, rows, strict=True))]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
