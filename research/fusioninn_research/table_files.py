"""The files of a table: Markdown to read, CSV and JSON to compute with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from scripts.outputs.tables import write_json, write_text


def write_table(folder: Path, name: str, markdown: str, table: pd.DataFrame, content: dict[str, Any]) -> list[Path]:
    """Write ``<name>.md``, ``<name>.csv`` and ``<name>.json``, each whole or not at all.

    Args:
        folder: where they are written.
        name: stem of the files.
        markdown: the table to read.
        table: figures, for the CSV, and for the JSON as "figures"; NaN is an empty cell, or null.
        content: what the JSON holds besides.

    Returns:
        the files.
    """
    paths = [folder / f"{name}.{ending}" for ending in ("md", "csv", "json")]
    figures = table.astype(object).where(table.notna(), None).to_dict("records")
    write_text(paths[0], markdown)
    write_text(paths[1], table.to_csv(index=False))
    write_json(paths[2], {**content, "figures": figures})
    return paths
