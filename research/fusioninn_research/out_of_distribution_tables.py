"""Tables of what was measured on unseen kinds of pictures: CSV, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scripts import RESEARCH_NOTICE
from scripts.metrics import FUSION_METRICS
from scripts.outputs.tables import known, write_json, write_text

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
    table = pd.DataFrame(rows)
    columns = [*TEXTS, *(name for name in table if name not in TEXTS)]
    write_text(paths[0], table.to_csv(columns=columns, index=False, float_format="%.6f"))
    write_json(paths[1], {"ResearchUseOnly": RESEARCH_NOTICE, "settings": settings, "groups": summarise(rows)})
    write_text(paths[2], markdown(rows, kinds) + "\n")
    return paths


def summarise(rows: Rows) -> list[dict[str, Any]]:
    """Return mean, standard deviation and number of every figure, for each kind, order and way to store.

    The worst pair of a group is the one whose worse decomposed image has the lowest SSIM in the head.
    """
    groups = []
    for key, members in pd.DataFrame(rows).groupby(list(GROUP), sort=False):
        figures = members.select_dtypes("float").dropna(axis="columns", how="all")
        worst, lowest = _worst(members)
        groups.append(
            {
                **dict(zip(GROUP, key, strict=True)),
                "pairs": len(members),
                "mean": _rounded(figures.mean(skipna=False)),
                "std": _rounded(_std(figures)),
                "worst_pair": worst,
                "worst_SSIM_head": known(round(lowest, 4)),
            }
        )
    return groups


def markdown(rows: Rows, kinds: Mapping[str, Sequence[str]]) -> str:
    """Return the tables as Markdown: fused, decomposed and colour; mean ± standard deviation over the pairs."""
    table = pd.DataFrame(rows)
    figures = [name for name, _, _ in DECOMPOSED]
    parts = [
        "### Fused\n",
        _table(["pairs", "method", *FUSION_METRICS], _fused(table, kinds)),
        "\n### Decomposed from the stored 8-bit picture\n",
        _table(["pairs", "order", "stored", "source", *figures, "worst pair"], _decomposed(table, kinds)),
    ]
    colour = [*_colour(table, kinds)]
    if colour:
        heading = ["pairs", "order", "levels of 255", "ΔE", "levels, of the carried colour alone", "ΔE, likewise"]
        parts += ["\n### Colour of the decomposed picture, in the head\n", _table(heading, colour)]
    return "\n".join(parts)


def _fused(table: pd.DataFrame, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for kind, sources in kinds.items():
        for method in METHODS:
            # Mean and maximum do not depend on the order.
            for first, second in _orders(sources) if method == "network" else _orders(sources)[:1]:
                members = _of(table, {"kind": kind, "first": first, "second": second, "stored": "grey"})
                name = f"network, {first} first" if method == "network" else method
                yield [kind, name, *(_told(members, f"{method}_{metric}", 3) for metric in FUSION_METRICS)]


def _decomposed(table: pd.DataFrame, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for kind, sources in kinds.items():
        for first, second in _orders(sources):
            for stored in ("grey", "colour"):
                members = _of(table, {"kind": kind, "first": first, "second": second, "stored": stored})
                if members.empty:
                    continue
                worst, lowest = _worst(members)
                for source in sources:
                    figures = [_told(members, f"{figure}_{source}", digits) for _, figure, digits in DECOMPOSED]
                    yield [kind, f"{first} first", stored, source, *figures, f"{worst} ({lowest:.3f})"]


def _colour(table: pd.DataFrame, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for kind, sources in kinds.items():
        for first, second in _orders(sources):
            members = _of(table, {"kind": kind, "first": first, "second": second, "stored": "colour"})
            if not members.empty:
                yield [kind, f"{first} first", *(_told(members, name, 1) for name in COLOUR)]


def _orders(sources: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(sources), tuple(reversed(sources))]


def _of(table: pd.DataFrame, wanted: Mapping[str, str]) -> pd.DataFrame:
    return table[(table[list(wanted)] == pd.Series(wanted)).all(axis="columns")]


def _std(figures: pd.DataFrame | pd.Series) -> Any:
    """Standard deviation, 0 for one pair."""
    return figures.std(skipna=False) if len(figures) > 1 else figures.mean(skipna=False) * 0.0


def _rounded(values: pd.Series) -> dict[str, float | None]:
    return {name: known(round(float(value), 4)) for name, value in values.items()}


def _worst(members: pd.DataFrame) -> tuple[str, float]:
    """Name and SSIM in the head of the pair whose worse decomposed image is worst."""
    first, second = members["first"].iloc[0], members["second"].iloc[0]
    worse = members[[f"SSIM_head_{first}", f"SSIM_head_{second}"]].min(axis="columns")
    return members["picture"][worse.idxmin()], float(worse.min())


def _told(members: pd.DataFrame, name: str, digits: int) -> str:
    values = members[name]
    return f"{values.mean(skipna=False):.{digits}f} ± {_std(values):.{digits}f}"


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *rows))
