"""Similarity of fused and decomposed images on validation and held-out patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .results import NAMES, SOURCES, Results, both, number, power, table

REGIONS = {"slice": "whole slice", "brain": "inside the brain", "lesion": "inside the lesion"}
HEADER = ("SSIM", *REGIONS.values())
STORES = {
    "uint8, zeros": "uint8",
    "uint8, N(0, I)": "uint8_normal",
    "uint16, zeros": "uint16",
    "float32, zeros": "float32",
}
"""Folders of the validation step by storage and latent."""


def summary(results: Results, name: str) -> dict[str, Any]:
    """Return ``summary.json`` of an evaluation."""
    return results.json(f"{name}/summary.json")


def means(results: Results, name: str) -> Mapping[str, float | None]:
    """Return the means over slices of an evaluation."""
    return summary(results, name)["mean_over_slices"]


def full_table(content: Mapping[str, Any]) -> str:
    """Means over slices, in brackets mean ± standard deviation over patients.

    Args:
        content: what ``summary.json`` holds.
    """
    rows = {
        **{f"fused, {name}": f"fused_{source}" for name, source in zip(NAMES, SOURCES, strict=True)},
        "fused, mean of both": "fused",
        "plain mean, mean of both": "mean",
        "plain maximum, mean of both": "max",
        **{f"decomposed {name}": f"decomposed_{source}" for name, source in zip(NAMES, SOURCES, strict=True)},
    }

    def cell(column: str) -> str:
        over = [content[key].get(column) for key in ("mean_over_patients", "std_over_patients")]
        return f"{number(content['mean_over_slices'].get(column))} ({number(over[0])} ± {number(over[1])})"

    return table(HEADER, [[name, *(cell(f"{row}_{region}") for region in REGIONS)] for name, row in rows.items()])


def _line(name: str, values: Mapping[str, float | None], column: str) -> list[str]:
    return [name, *(number(values[f"{column}_{region}"]) for region in REGIONS)]


def _decomposed(name: str, values: Mapping[str, float | None]) -> list[str]:
    return [name, *(both(values, f"decomposed_{{}}_{region}") for region in REGIONS)]


def card_rows(results: Results, part: str) -> list[list[str]]:
    """Rows of the model card: fused in 8 bits, decomposed from 16 and from 8 with a latent of zeros."""
    fine, coarse = (means(results, f"{part}/{store}") for store in ("uint16", "uint8"))
    return [
        _line("fused, mean over both sources", coarse, "fused"),
        _line("plain average, mean over both", coarse, "mean"),
        _line("plain maximum, mean over both", coarse, "max"),
        _decomposed("decomposed T1-Gd / FLAIR from 16 bits, as stored by default", fine),
        _decomposed("decomposed from 8 bits", coarse),
    ]


def validation_card(results: Results) -> str:
    """Table of the model card."""
    drawn = _decomposed("decomposed from 8 bits, latent N(0, I)", means(results, "validation/uint8_normal"))
    return table(HEADER, [*card_rows(results, "validation"), drawn])


def validation_readme(results: Results) -> str:
    """Table of the README."""
    values = means(results, "validation/uint8")
    rows = [
        _line("fused, mean over both sources", values, "fused"),
        _line("plain average of the sources", values, "mean"),
        _decomposed("decomposed from 16 bits, T1-Gd / FLAIR", means(results, "validation/uint16")),
    ]
    return table(("", *REGIONS.values()), rows)


def validation_stores(results: Results) -> str:
    """Decomposed images by storage type and latent."""
    rows = [_decomposed(name, means(results, f"validation/{folder}")) for name, folder in STORES.items()]
    return table(("stored as, latent", "decomposed T1-Gd / FLAIR, whole slice", *list(REGIONS.values())[1:]), rows)


def counts(content: Mapping[str, Any]) -> str:
    """Return "16 patients, 347 slices"."""
    return f"{content['patients']} patients, {content['slices']} slices"


def slices_of(results: Results) -> str:
    """Return "347 slices of 16 patients"."""
    content = summary(results, "validation/uint8")
    return f"{content['slices']} slices of {content['patients']} patients"


def below_mean(results: Results) -> str:
    """How far the fused image is from the plain mean, in words."""
    values = means(results, "validation/uint8")
    slices, brain = (values[f"fused_{region}"] - values[f"mean_{region}"] for region in ("slice", "brain"))
    if abs(slices) < 0.0005 and abs(brain) < 0.0005:
        return "as high as the plain average of the sources"
    if max(slices, brain) < 0.0005 or min(slices, brain) > -0.0005:
        side = "above" if slices + brain > 0 else "below"
        degree = "slightly " if max(abs(slices), abs(brain)) < 0.0099 and side == "below" else ""
        told = f"{abs(slices):.3f} over the slice, {abs(brain):.3f} inside the brain"
        return f"{degree}{side} the plain average of the sources ({told})"
    told = f"{slices:+.3f} over the slice, {brain:+.3f} inside the brain".replace("-", "−")
    return f"differently from the plain average of the sources ({told})"


def eight_bits(results: Results) -> str:
    """What 8 bits cost compared with 16, mean over the sources."""
    fine, coarse = (means(results, f"validation/{name}") for name in ("uint16", "uint8"))

    def cost(region: str) -> float:
        return sum(fine[f"decomposed_{s}_{region}"] - coarse[f"decomposed_{s}_{region}"] for s in SOURCES) / 2

    return f"{cost('slice'):.3f} SSIM over the slice and {cost('brain'):.3f} inside the brain"


def spread(results: Results) -> str:
    """Standard deviation over held-out patients, inside the brain, from 16 bits."""
    over = summary(results, "held_out/uint16")["std_over_patients"]
    t1gd, flair = (number(over[f"decomposed_{source}_brain"]) for source in SOURCES)
    return f"{t1gd}, FLAIR of {flair}"


def extremes(results: Results, named: bool) -> dict[str, str]:
    """Worst, median and best held-out patient by T1-Gd inside the brain, decomposed from 16 bits.

    Args:
        results: the results.
        named: with the name of the patient.
    """
    patients = results.csv("held_out/uint16/patients.csv")
    columns = [f"decomposed_{source}_brain" for source in SOURCES]
    ordered = patients.sort_values(columns[0], ignore_index=True)
    rows = {"worst": 0, "median": len(ordered) // 2, "best": len(ordered) - 1}
    told = {}
    for name, index in rows.items():
        row = ordered.loc[index]
        patient = f" ({row['patient']})" if named else ""
        told[name] = f"{patient} {number(row[columns[0]])} / {number(row[columns[1]])}"
    return told


def card_extremes(results: Results) -> str:
    """The extremes in the model card."""
    told = extremes(results, named=False)
    return f"{told['worst'].strip()}, the median{told['median']}, the best{told['best']}"


def named_extremes(results: Results) -> str:
    """The extremes with names."""
    return ", ".join(f"{name}{words}" for name, words in extremes(results, named=True).items())


def table1_row(results: Results) -> str:
    """Cells of the shipped weights in the paper's comparison."""
    content = summary(results, "table1")
    mean, std = content["mean_over_patients"], content["std_over_patients"]

    def cell(column: str, spread: bool = True) -> str:
        return f"{number(mean[column])} ± {number(std[column])}" if spread else number(mean[column])

    cells = [
        cell("Q_SSIM"),
        cell("Q_FMI"),
        cell("Q_NCIE", spread=False),
        cell("Q_XY"),
        cell("Q_P"),
        cell("fused_brain"),
    ]
    cells += [both(mean, f"decomposed_{{}}_{region}") for region in ("slice", "brain")]
    return " | ".join(cells)


VIEWS = {
    "validation.full": lambda results: full_table(summary(results, "validation/uint8")),
    "validation.card": validation_card,
    "validation.readme": validation_readme,
    "validation.stores": validation_stores,
    "validation.counts": lambda results: counts(summary(results, "validation/uint8")),
    "validation.round_trip": lambda results: power(summary(results, "validation/uint8")["largest_roundtrip_error"]),
    "validation.slices": slices_of,
    "validation.below_mean": below_mean,
    "validation.eight_bits": eight_bits,
    "held_out.full": lambda results: full_table(summary(results, "held_out/uint8")),
    "held_out.card": lambda results: table(HEADER, card_rows(results, "held_out")),
    "held_out.counts": lambda results: counts(summary(results, "held_out/uint8")),
    "held_out.spread": spread,
    "held_out.extremes": card_extremes,
    "held_out.named_extremes": named_extremes,
    "table1.row": table1_row,
}
