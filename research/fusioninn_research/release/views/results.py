"""The results of a release that views read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.data.contrasts import DISPLAY_NAMES
from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json

from ..plan import Plan

SOURCES = ("t1gd", "flair")
NAMES = [DISPLAY_NAMES[source] for source in SOURCES]


class Results:
    """Files that the steps wrote.

    Args:
        folder: folder of the release of these weights; each step has a folder in it.
        plan: the plan.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    def path(self, name: str) -> Path:
        """Return the path of a result.

        Raises:
            BadInputError: it is not there.
        """
        path = self.folder / name
        if not path.exists():
            raise BadInputError(f"{path} is missing: the step {Path(name).parts[0]} has to run again, by --again.")
        return path

    def json(self, name: str) -> Any:
        """Return the content of a JSON file."""
        return read_json(self.path(name))

    def csv(self, name: str) -> pd.DataFrame:
        """Return the rows of a CSV file."""
        return pd.read_csv(self.path(name), dtype={"patient": str})

    def text(self, name: str) -> str:
        """Return the content of a text file."""
        return self.path(name).read_text(encoding="utf-8")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with left-aligned columns."""
    lines = [[*header], ["---"] * len(header), *rows]
    body = [f"| {' | '.join(line)} |" for line in lines]
    # as the documents have it: nothing in the first cell, short dashes
    body[0] = re.sub(r"^\|  \|", "| |", body[0])
    body[1] = "|" + "---|" * len(header)
    return "\n".join(body)


def number(value: float | None, places: int = 3) -> str:
    """Return a number with a typographic minus; a dash for none."""
    return "–" if value is None else f"{value:.{places}f}".replace("-", "−")


def both(values: Mapping[str, float | None], column: str, places: int = 3) -> str:
    """Return a figure of both sources: "0.987 / 0.991".

    Args:
        values: figures by column.
        column: its name, with ``{}`` for the source.
        places: decimal places.
    """
    return " / ".join(number(values[column.format(source)], places) for source in SOURCES)


def power(value: float, digits: int = 0) -> str:
    """Return a small number: "8e-6"."""
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"
