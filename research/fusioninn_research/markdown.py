"""Words and numbers of the tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts import RESEARCH_NOTICE

from .results import RowResult, Spread
from .significance import SIGNIFICANT, PairedTest

PAPER = "Kumar et al., FusionINN, arXiv 2403.15769"
GAP = "–"
SMALL, FULL = "small", "full"


def figure(spread: Spread | None, paper: float | None = None) -> str:
    """A mean ± standard deviation over patients, with the paper's figure in brackets."""
    told = GAP if spread is None else f"{spread.mean:.3f}"
    if spread is not None and spread.patients is not None:
        told += f" ± {spread.patients:.3f}"
    return told if paper is None else f"{told} [{paper:.3f}]"


def difference(test: PairedTest | None, corrected: float | None) -> str:
    """A median difference with its interval and corrected p; bold where it is significant."""
    if test is None or test.difference is None:
        return GAP
    told = f"{test.difference:+.4f}"
    if test.interval is not None:
        told += f" [{test.interval[0]:+.4f}, {test.interval[1]:+.4f}]"
    if corrected is None:
        return f"{told}, too few patients for a p"
    told += f", p {'< 0.001' if corrected < 0.001 else f'= {corrected:.3f}'}"
    return f"**{told}**" if corrected < SIGNIFICANT else told


def caption(title: str, setting: str, data: str, seeds: Sequence[int], results: Mapping[str, RowResult]) -> str:
    """What a table is of: title, notice, data, budget, seeds, and what is missing.

    Args:
        title: title of the table.
        setting: name of the budget, for instance "small" or "full".
        data: name of the data set.
        seeds: seeds of the trained rows.
        results: results by row.
    """
    there = [result for result in results.values() if result.seeds]
    patients = sorted({int(n) for result in there for n in result.figures.groupby(level="seed").size()})
    slices = sorted({result.slices for result in there})
    lines = [f"# {title}", "", f"{RESEARCH_NOTICE} Decomposed images are estimates.", ""]
    if setting == SMALL:
        lines += [
            "> **SMALL SETTING.** This is not the paper's budget (400 epochs, batches of 64 whole slices of 240 × 240, "
            f"8,500 training slices): {small_words(results)} The figures compare the rows under one small budget; "
            "they do not reproduce the paper's.",
            "",
        ]
    lines += [
        f"- Data: {data}; measured on {_joined(patients)} validation patients, {_joined(slices)} slices.",
        f"- Seeds: {', '.join(map(str, seeds))}."
        + (" One seed: there is no spread over seeds." if len(seeds) == 1 else ""),
        "- Figures: mean over patients ± standard deviation over patients.",
    ]
    if setting not in (SMALL, FULL):
        lines.append(f"- Training: {small_words(results)}")
    missing: dict[str, list[str]] = {}
    for name, result in results.items():
        if result.gap:
            missing.setdefault(result.gap, []).append(name)
    lines += [f"- {gap[0].upper()}{gap[1:]}: {'; '.join(names)}." for gap, names in missing.items()]
    return "\n".join(lines) + "\n"


def small_words(results: Mapping[str, RowResult]) -> str:
    """The budget in words, as the trainings themselves tell it."""
    told: list[str] = []
    for result in results.values():
        budget = result.budget
        if not budget:
            continue
        size = " × ".join(map(str, budget["image_size"])) if "image_size" in budget else "all"
        words = (
            f"{budget['epochs']} epochs, {budget.get('steps') or 'an unknown number of'} steps of "
            f"{budget.get('batch_size')} crops of {size} pixels "
            f"from {budget.get('training_patients', 'an unknown number of')} patients"
        )
        if words not in told:
            told.append(words)
    widths = sorted({result.budget["width"] for result in results.values() if "width" in result.budget})
    words = "; or ".join(told) if told else "nothing is trained yet"
    return f"{words}{f'; networks that have a width have {_joined(widths)} channels' if widths else ''}."


def _joined(values: Sequence[Any]) -> str:
    return " or ".join(map(str, values)) if values else "no"
