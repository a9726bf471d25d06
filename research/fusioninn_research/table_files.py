"""The files of a table: Markdown to read, CSV and JSON to compute with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.outputs.tables import write_csv, write_json, write_text


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
    write_text(paths[0], markdown)
    write_csv(paths[1], rows, places=None)
    write_json(paths[2], content)
    return paths
