"""How reliable the check for unusual inputs is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import binomtest

from scripts.data.contrasts import DISPLAY_NAMES
from scripts.data.strict_json import read_json
from scripts.typicality.case_score import CaseScore
from scripts.typicality.reference import Reference

from ...typicality_table import FITTED, UNSEEN, USUAL
from .results import Results


def tables(results: Results) -> list[str]:
    """The three tables of the report: kinds, candidates, false alarms by candidate."""
    text = results.text("typicality/typicality.md")
    return [found.strip() for found in re.findall(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE)]


def false_alarms(results: Results) -> str:
    """False alarms on unseen patients with their interval."""
    alarms, patients = _alarms(results)
    interval = binomtest(alarms, patients).proportion_ci(method="exact")
    percent = [f"{100 * value:.0f}" for value in (alarms / patients, interval.low, interval.high)]
    return (
        f"{patients} unseen patients with low-grade glioma there were {alarms} false alarms ({percent[0]} %, 95 % "
        f"interval {percent[1]} to {percent[2]} %)"
    )


def rate(results: Results) -> str:
    """Share of false alarms in per cent."""
    alarms, patients = _alarms(results)
    return f"{100 * alarms / patients:.0f} %"


def contrasts(results: Results) -> str:
    """Wrong contrasts that the score detects with the reference that ships."""
    reference = _reference(results)
    told = {}
    for kind in dict.fromkeys(case["kind"] for case in _cases(results, FITTED) if case["kind"] != USUAL):
        folder = results.path(f"typicality/cases/{FITTED}") / kind.replace(" ", "-")
        scores = [CaseScore.of(reference, _statistics(path)) for path in sorted(folder.glob("*.json"))]
        names = " + ".join(DISPLAY_NAMES.get(source, source) for source in kind.split(" + "))
        told[names] = (sum(score.score > score.threshold for score in scores), len(scores))
    ordered = sorted(told.items(), key=lambda item: -item[1][0])
    words = [f"{name} in {found} of {count}" for name, (found, count) in ordered]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _alarms(results: Results) -> tuple[int, int]:
    usual = [case for case in _cases(results, UNSEEN) if case["kind"] == USUAL]
    return sum(case["warned"] for case in usual), len(usual)


def _cases(results: Results, group: str) -> Iterator[dict[str, Any]]:
    return (case for case in results.json("typicality/typicality.json")["cases"] if case["group"] == group)


def _reference(results: Results) -> Reference:
    root = results.plan.root
    content = read_json(root / "bundle" / "models" / "typicality.json")
    return Reference.load(str(root / "bundle" / "models" / "typicality.json"), content["checkpoint_sha256"])


def _statistics(path: Any) -> dict[str, np.ndarray]:
    return {key: np.asarray(values) for key, values in read_json(path)["statistics"].items()}


VIEWS = {
    "typicality.kinds": lambda results: tables(results)[0],
    "typicality.candidates": lambda results: tables(results)[1],
    "typicality.candidate_alarms": lambda results: tables(results)[2],
    "typicality.false_alarms": false_alarms,
    "typicality.rate": rate,
    "typicality.contrasts": contrasts,
}
