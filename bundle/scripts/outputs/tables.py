"""Tables on disk: CSV for rows, JSON for what they say in sum."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scripts.outputs.writing import result_file

PLACES = 8


def write_csv(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as CSV, whole or not at all: numbers to eight places, an empty cell where there is none.

    Args:
        path: file to write.
        rows: value of each column, which may lack some.
        columns: names of the columns, in their order.

    Raises:
        BadInputError: the file cannot be written.
    """
    with result_file(path, suffix=".csv") as temporary, Path(temporary).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write an object as JSON, whole or not at all.

    Raises:
        BadInputError: the file cannot be written.
        ValueError: it holds NaN or Inf.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with result_file(path, suffix=".json") as temporary:
        Path(temporary).write_text(text + "\n", encoding="utf-8")


def mean_of(values: Sequence[float | None]) -> float | None:
    """Mean of the values that there are, to eight places; None where there is none."""
    known = _known(values)
    return round(fmean(known), PLACES) if known else None


def deviation_of(values: Sequence[float | None]) -> float | None:
    """Standard deviation (n - 1) of the values that there are, to eight places; None for fewer than two."""
    known = _known(values)
    return round(stdev(known), PLACES) if len(known) > 1 else None


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return f"{value:.{PLACES}f}" if math.isfinite(value) else ""
