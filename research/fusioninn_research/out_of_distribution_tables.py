"""Tables of what was measured on unseen kinds of pictures: CSV, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts import RESEARCH_NOTICE
from scripts.metrics import FUSION_METRICS
from scripts.outputs.tables import known, write_csv, write_json, write_text

Rows = Sequence[Mapping[str, Any]]
GROUP = ("kind", "first", "second", "stored")
TEXTS = (*GROUP, "picture")
METHODS = ("network", "mean", "max")
DECOMPOSED = (
    ("SSIM", "SSIM", 3),
    ("SSIM in the head", "SSIM_head", 3),
    ("PSNR / dB", "PSNR", 1),
    ("correlation", "correlation", 3),
)
"""Figures of decomposed pictures: heading, name in the rows, decimal places."""
COLOUR = ("colour_levels", "colour_seen", "carried_colour_levels", "carried_colour_seen")


def write_tables(
    folder: Path, rows: Rows, kinds: Mapping[str, Sequence[str]], settings: Mapping[str, Any]
) -> list[Path]:
    """Write ``pairs.csv``, ``summary.json`` and ``tables.md``.

    Args:
        folder: where to write.
        rows: what `OutOfDistribution` measured.
        kinds: sources of each kind of pair.
        settings: what it was measured with.

    Returns:
        the files written.
    """
    paths = [folder / name for name in ("pairs.csv", "summary.json", "tables.md")]
    columns = [*TEXTS, *dict.fromkeys(key for row in rows for key in row if key not in TEXTS)]
    write_csv(paths[0], rows, columns, places=6)
    write_json(paths[1], {"ResearchUseOnly": RESEARCH_NOTICE, "settings": settings, "groups": summarise(rows)})
    write_text(paths[2], markdown(rows, kinds) + "\n")
    return paths


def summarise(rows: Rows) -> list[dict[str, Any]]:
    """Return mean, standard deviation and number of every figure, for each kind, order and way to store.

    The worst pair of a group is the one whose worse decomposed image has the lowest SSIM in the head.
    """
    groups = []
    for key in dict.fromkeys(tuple(row[name] for name in GROUP) for row in rows):
        members = _of(rows, dict(zip(GROUP, key, strict=True)))
        figures = [name for name, value in members[0].items() if name not in TEXTS and isinstance(value, float)]
        worst, lowest = _worst(members)
        groups.append(
            {
                **dict(zip(GROUP, key, strict=True)),
                "pairs": len(members),
                "mean": {name: known(round(float(_values(members, name).mean()), 4)) for name in figures},
                "std": {name: known(round(_std(_values(members, name)), 4)) for name in figures},
                "worst_pair": worst,
                "worst_SSIM_head": known(round(lowest, 4)),
            }
        )
    return groups


def markdown(rows: Rows, kinds: Mapping[str, Sequence[str]]) -> str:
    """Return the tables as Markdown: fused, decomposed and colour; mean ± standard deviation over the pairs."""
    figures = [name for name, _, _ in DECOMPOSED]
    parts = [
        "### Fused\n",
        _table(["pairs", "method", *FUSION_METRICS], _fused(rows, kinds)),
        "\n### Decomposed from the stored 8-bit picture\n",
        _table(["pairs", "order", "stored", "source", *figures, "worst pair"], _decomposed(rows, kinds)),
    ]
    colour = [*_colour(rows, kinds)]
    if colour:
        heading = ["pairs", "order", "levels of 255", "ΔE", "levels, of the carried colour alone", "ΔE, likewise"]
        parts += ["\n### Colour of the decomposed picture, in the head\n", _table(heading, colour)]
    return "\n".join(parts)


def _fused(rows: Rows, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for kind, sources in kinds.items():
        for method in METHODS:
            # Mean and maximum do not care for the order.
            for first, second in _orders(sources) if method == "network" else _orders(sources)[:1]:
                members = _of(rows, {"kind": kind, "first": first, "second": second, "stored": "grey"})
                name = f"network, {first} first" if method == "network" else method
                yield [kind, name, *(_told(members, f"{method}_{metric}", 3) for metric in FUSION_METRICS)]


def _decomposed(rows: Rows, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for kind, sources in kinds.items():
        for first, second in _orders(sources):
            for stored in ("grey", "colour"):
                members = _of(rows, {"kind": kind, "first": first, "second": second, "stored": stored})
                if not members:
                    continue
                worst, lowest = _worst(members)
                for source in sources:
                    figures = [_told(members, f"{figure}_{source}", digits) for _, figure, digits in DECOMPOSED]
                    yield [kind, f"{first} first", stored, source, *figures, f"{worst} ({lowest:.3f})"]


def _colour(rows: Rows, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for kind, sources in kinds.items():
        for first, second in _orders(sources):
            members = _of(rows, {"kind": kind, "first": first, "second": second, "stored": "colour"})
            if members:
                yield [kind, f"{first} first", *(_told(members, name, 1) for name in COLOUR)]


def _orders(sources: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(sources), tuple(reversed(sources))]


def _of(rows: Rows, wanted: Mapping[str, str]) -> list[Mapping[str, Any]]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def _values(rows: Rows, name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _std(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else 0.0


def _worst(rows: Rows) -> tuple[str, float]:
    def worse(row: Mapping[str, Any]) -> float:
        return min(row[f"SSIM_head_{row[place]}"] for place in ("first", "second"))

    row = min(rows, key=worse)
    return row["picture"], worse(row)


def _told(rows: Rows, name: str, digits: int) -> str:
    values = _values(rows, name)
    return f"{values.mean():.{digits}f} ± {_std(values):.{digits}f}"


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *rows))
