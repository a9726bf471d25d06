"""Calibration of the maps of the expected error."""

from __future__ import annotations

from scripts.metrics.reliability import ideal_rank_correlation

from ...reliability import END, HEAD, OTHERS, START, measured_words
from .results import Results


def tables(results: Results) -> str:
    """All maps and groups of patients, as `tools/uncertainty.sh` writes them."""
    return f"{START}\n{measured_words(results.json('uncertainty/reliability.json'))}\n{END}"


def manual(results: Results) -> str:
    """The learned head on held-out patients, 16-bit fused images."""
    group = results.json("uncertainty/reliability.json")["groups"][OTHERS]
    rows = [row for row in group["maps"] if (row["map"], row["store"]) == (HEAD, "uint16")]

    def told(values: list[float]) -> str:
        return " / ".join(f"{value:.2f}" for value in values)

    cells = [
        told([row["calibration_factor"] for row in rows]),
        told([row["coverage"][0] for row in rows]),
        told([row["coverage"][1] for row in rows]),
        told([row["rank_correlation"] for row in rows]),
        told([ideal_rank_correlation(row["expected"]) for row in rows]),
    ]
    header = (
        *("true / expected error", "errors within 1 σ", "within 2 σ"),
        *("rank correlation with the error", "of an ideal map"),
    )
    lines = [header, ["---:"] * len(header), cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def counts(results: Results) -> str:
    """Held-out patients and slices."""
    group = results.json("uncertainty/reliability.json")["groups"][OTHERS]
    return f"{group['patients']} held-out patients ({group['slices']} slices)"


VIEWS = {"uncertainty.tables": tables, "uncertainty.manual": manual, "uncertainty.counts": counts}
