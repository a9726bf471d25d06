"""Parity and precision of the exports."""

from __future__ import annotations

import math

from scripts.outputs.tables import markdown_table

from ...lower_precision import COLUMNS as PRECISION
from ...parity import COLUMNS as PARITY
from .results import Results

KINDS_SHOWN = (0, 2)
"""Batches that the table shows, of those that parity is measured on: whole slices of even and of odd size."""
KINDS = 4


def parity(results: Results) -> str:
    """Largest difference of each runtime to the network."""
    rows = results.csv("exports/parity.csv").to_dict("records")
    shown = [row for index, row in enumerate(rows) if index % KINDS in KINDS_SHOWN]
    lines = [[row["runtime"], row["images"], *(f"{row[column]:.1e}" for column in PARITY)] for row in shown]
    return markdown_table(["runtime", "images", *PARITY], lines)


def bound(results: Results) -> str:
    """Largest difference of fused and decomposed images, rounded up to one digit: "6e-6"."""
    table = results.csv("exports/parity.csv")
    largest = max(float(table[column].max()) for column in ("fused", "decomposed", "restored"))
    exponent = math.floor(math.log10(largest))
    digit = math.ceil(largest / 10**exponent - 1e-9)
    return f"{digit}e{exponent}" if digit < 10 else f"1e{exponent + 1}"


def precision(results: Results) -> str:
    """Effect of lower precision."""
    rows = results.csv("exports/precision.csv").to_dict("records")
    lines = [
        [row["precision"], *(f"{row[column]:.5f}" for column in PRECISION), "yes" if row["harmless"] else "**no**"]
        for row in rows
    ]
    return markdown_table(["precision", *PRECISION, "harmless"], lines)


VIEWS = {"exports.parity": parity, "exports.bound": bound, "exports.precision": precision}
