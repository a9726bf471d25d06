"""Figures of the study with intervals, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from scripts import RESEARCH_NOTICE
from scripts.outputs.tables import markdown_table

from .intervals import mean_difference, mean_over_patients, ratio_of_means
from .segmenter_input import ESTIMATES, FUSED, MEAN, SOURCES

ALL, HELD_OUT = "all patients", "held-out patients"
GOAL = 0.99
"""Share of the Dice on the sources that the estimates should keep."""
BITS = {"uint16": "16 bits", "uint8": "8 bits", "float32": "floating point"}


def figures(dice: pd.DataFrame, stores: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Return means, paired differences and shares with intervals over patients.

    Args:
        dice: a row for each patient, a column for each thing that was segmented.
        stores: how the fused image was stored.
        seed: seed of the bootstrap. Defaults to 0.

    Returns:
        "patients"; "dice" by what was segmented; "differences" and "shares" of two of them, named "A - B" and "A / B".
    """
    estimates = [ESTIMATES.format(store) for store in stores]
    pairs = [*((one, SOURCES) for one in (*estimates, FUSED, MEAN)), (FUSED, MEAN)]
    pairs += [(estimates[0], other) for other in (FUSED, MEAN)]
    columns = {name: dice[name].to_numpy() for name in (SOURCES, *estimates, FUSED, MEAN)}
    return {
        "patients": len(dice),
        "dice": {name: asdict(mean_over_patients(values, seed)) for name, values in columns.items()},
        "differences": {
            f"{one} - {other}": asdict(mean_difference(columns[one], columns[other], seed)) for one, other in pairs
        },
        "shares": {
            f"{one} / {other}": asdict(ratio_of_means(columns[one], columns[other], seed))
            for one, other in pairs
            if (columns[other] > 0).any()
        },
    }


def dice_table(content: Mapping[str, Any]) -> str:
    """Return a Markdown table of the mean Dice.

    Args:
        content: what ``serve.json`` holds.
    """
    trained = {FUSED: "the same", MEAN: "the same"}
    rows = [
        [
            _name(name, content),
            trained.get(name, "sources"),
            *(_told(group["dice"][name]) for group in _groups(content)),
        ]
        for name in next(iter(_groups(content)))["dice"]
    ]
    return markdown_table(["segmented", "trained on", *_heads(content)], rows).rstrip()


def differences_table(content: Mapping[str, Any]) -> str:
    """Return a Markdown table of the differences of Dice of the same patients, and of the estimates' share."""
    first = next(iter(_groups(content)))
    rows = []
    for pair in first["differences"]:
        one, other = pair.split(" - ")
        name = f"{_name(one, content)} − {_name(other, content)}"
        rows.append([name, *(_told(group["differences"][pair], signed=True) for group in _groups(content))])
    for store in content["stores"]:
        pair = f"{ESTIMATES.format(store)} / {SOURCES}"
        if pair in first["shares"]:
            name = f"{_name(ESTIMATES.format(store), content)}, share of {SOURCES}"
            rows.append([name, *(_percent(group["shares"][pair]) for group in _groups(content))])
    return markdown_table(["difference of Dice", *_heads(content)], rows).rstrip()


def verdict(content: Mapping[str, Any]) -> str:
    """Say whether the estimates reach the goal, whether the fused image is better than the mean, and what to segment.

    Args:
        content: what ``serve.json`` holds.
    """
    group = content["groups"][ALL]
    sentences = []
    for store in content["stores"]:
        share = group["shares"].get(f"{ESTIMATES.format(store)} / {SOURCES}")
        if share is None:
            sentences.append("Nothing was found on the sources, so there is no share of it to state.")
            break
        reached = "reaches" if share["value"] >= GOAL else "misses"
        sentences.append(
            f"The estimates from {BITS[store]} keep {_percent(share)} of the Dice on the sources, which {reached} the "
            f"goal of {100 * GOAL:.0f} %{_doubt(share, GOAL)}."
        )
    difference = group["differences"][f"{FUSED} - {MEAN}"]
    low, high = difference["low"], difference["high"]
    if low is not None and low > 0:
        words = "The fused image alone is better than the plain mean"
    elif high is not None and high < 0:
        words = "The fused image alone is worse than the plain mean"
    else:
        words = "The fused image alone is no better than the plain mean"
    sentences.append(f"{words}: the difference of Dice is {_told(difference, signed=True)}.")
    store = content["stores"][0]
    decomposed = group["differences"][f"{ESTIMATES.format(store)} - {FUSED}"]
    if decomposed["low"] is not None and decomposed["low"] > 0:
        sentences.append(
            f"So decompose before you segment: the estimates gain {_told(decomposed, signed=True)} over the fused "
            "image that they come from."
        )
    return " ".join(sentences)


def settings(content: Mapping[str, Any]) -> str:
    """Say what was measured."""
    training = content["training"]
    return (
        f"{content['groups'][ALL]['patients']} patients, {content['slices']} slices, {content['folds']} folds, "
        f"{training['epochs']} epochs"
    )


def study_markdown(content: Mapping[str, Any]) -> str:
    """Return the whole report.

    Args:
        content: what ``serve.json`` holds.
    """
    left_out = content["without_lesion"]
    without = f"\nWithout lesion in the measured slices, not judged: {', '.join(left_out)}.\n" if left_out else ""
    return "\n".join(
        (
            "# Does it serve? Segmentation",
            "",
            RESEARCH_NOTICE,
            "",
            f"Weights {content['checkpoint_sha256'][:12]}; {settings(content)}. Mean Dice over patients, in brackets "
            "the 95 % interval (bootstrap over patients).",
            without,
            dice_table(content),
            "",
            differences_table(content),
            "",
            verdict(content),
            "",
        )
    )


def _groups(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(content["groups"].values())


def _heads(content: Mapping[str, Any]) -> list[str]:
    return [f"{name} ({group['patients']})" for name, group in content["groups"].items()]


def _name(name: str, content: Mapping[str, Any]) -> str:
    names = {ESTIMATES.format(store): f"estimates from {BITS[store]}" for store in content["stores"]}
    names |= {FUSED: f"fused image, {BITS[content['stores'][0]]}", MEAN: "plain mean"}
    return names.get(name, name)


def _told(figure: Mapping[str, Any], signed: bool = False) -> str:
    def number(value: float) -> str:
        return f"{value:{'+' if signed else ''}.3f}".replace("-", "−")

    if figure["low"] is None:
        return number(figure["value"])
    return f"{number(figure['value'])} ({number(figure['low'])} to {number(figure['high'])})"


def _percent(figure: Mapping[str, Any]) -> str:
    told = f"{100 * figure['value']:.1f} %"
    if figure["low"] is None:
        return told
    return f"{told} ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"


def _doubt(figure: Mapping[str, Any], goal: float) -> str:
    """What to add where the interval holds the goal."""
    inside = figure["low"] is not None and figure["low"] < goal < figure["high"]
    return ", though the interval includes it" if inside else ""
