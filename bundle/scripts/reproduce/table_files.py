"""The files of a table: Markdown to read, CSV and JSON to compute with."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.outputs.writing import result_file


def write_table(folder: Path, name: str, markdown: str, rows: Sequence[Mapping[str, Any]], content: Any) -> list[Path]:
    """Write ``<name>.md``, ``<name>.csv`` and ``<name>.json``, each whole or not at all.

    Args:
        folder: where they are written.
        name: stem of the files.
        markdown: the table to read.
        rows: one figure a row, for the CSV; None is an empty cell.
        content: everything, for the JSON.

    Returns:
        the files.
    """
    paths = [folder / f"{name}.{ending}" for ending in ("md", "csv", "json")]
    with result_file(paths[0], suffix=".md") as temporary:
        Path(temporary).write_text(markdown, encoding="utf-8")
    with (
        result_file(paths[1], suffix=".csv") as temporary,
        Path(temporary).open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with result_file(paths[2], suffix=".json") as temporary:
        Path(temporary).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return paths
