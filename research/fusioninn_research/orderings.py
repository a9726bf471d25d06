"""Which method is better than which, in the paper and here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class Orderings:
    """Pairs that the paper puts in an order, and what became of it here.

    Args:
        hold: pairs (better, worse) of the paper that are in the same order here.
        reverse: pairs that are in the other order here, or equal.
        gaps: pairs that cannot be compared, for one of them was not run.
    """

    hold: list[tuple[str, str]]
    reverse: list[tuple[str, str]]
    gaps: list[tuple[str, str]]


def compare_orderings(paper: Mapping[str, float | None], here: Mapping[str, float | None]) -> Orderings:
    """Compare the order of every two rows; the higher is the better.

    Args:
        paper: the paper's figures by row. Rows without one are left out, and equal figures are no order.
        here: the figures found here by row, None for a gap.

    Returns:
        the pairs.
    """
    orderings = Orderings([], [], [])
    rows = [row for row, value in paper.items() if value is not None]
    for one, other in combinations(rows, 2):
        if paper[one] == paper[other]:
            continue
        better, worse = (one, other) if paper[one] > paper[other] else (other, one)
        first, second = here.get(better), here.get(worse)
        if first is None or second is None:
            orderings.gaps.append((better, worse))
        else:
            (orderings.hold if first > second else orderings.reverse).append((better, worse))
    return orderings


def ranking(figures: Mapping[str, float | None]) -> str:
    """Write rows from the best to the worst, for instance "B > A = C"; rows without a figure are left out."""
    known = sorted(((value, row) for row, value in figures.items() if value is not None), key=lambda pair: -pair[0])
    told = ""
    for i, (value, row) in enumerate(known):
        told += row if i == 0 else (" = " if value == known[i - 1][0] else " > ") + row
    return told
