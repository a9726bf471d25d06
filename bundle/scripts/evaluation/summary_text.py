"""The summary of an evaluation as a text table, for the end of the command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scripts import RESEARCH_NOTICE
from scripts.metrics import DECOMPOSITION_METRICS, FUSION_METRICS
from scripts.outputs.tables import aligned

from .score import decomposed_column

REGIONS = {"slice": "whole slice", "brain": "inside the brain", "lesion": "inside the lesion"}
"""Endings of the columns of similarity, and what they are called."""
ROWS = {"fused": "fused", "mean": "plain mean", "max": "plain maximum"}
"""Images whose similarity to the sources is measured."""
_DECOMPOSED = re.compile(r"decomposed_(.+)_slice")


def summary_text(summary: Mapping[str, Any]) -> str:
    """Return the means over slices as text tables.

    Args:
        summary: content of `summary.json`.
    """
    means = summary["mean_over_slices"]
    sources = [found[1] for column in means if (found := _DECOMPOSED.fullmatch(column))]
    rows = {**ROWS, **{f"decomposed_{source}": f"decomposed {source}" for source in sources}}
    regions = [region for region in REGIONS if any(means.get(f"{row}_{region}") is not None for row in rows)]
    shown = [row for row in rows if any(means.get(f"{row}_{region}") is not None for region in regions)]
    similarity = [[_number(means.get(f"{row}_{region}")) for region in regions] for row in shown]
    lines = [
        f"{summary['patients']} patient(s), {summary['slices']} slice(s). Mean SSIM with the sources over slices:",
        *aligned(similarity, [rows[row] for row in shown], [REGIONS[region] for region in regions]),
    ]
    for head, names, columns, metrics in _metrics(sources):
        table = [[_number(means.get(column)) for column in row] for row in columns]
        if any(value != "–" for row in table for value in row):
            lines += [head, *aligned(table, names, metrics)]
    return "\n".join([*lines, f"Decomposed images are estimates. {RESEARCH_NOTICE}"])


def _metrics(sources: Sequence[str]) -> list[tuple[str, list[str], list[list[str]], list[str]]]:
    """Return heading, names of rows, columns of the summary and names of columns of each further table."""
    decomposed = [[decomposed_column(source, metric) for metric in DECOMPOSITION_METRICS] for source in sources]
    return [
        ("Metrics of the fused image:", ["fused"], [list(FUSION_METRICS)], list(FUSION_METRICS)),
        ("Metrics of the decomposed images:", list(sources), decomposed, list(DECOMPOSITION_METRICS)),
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
