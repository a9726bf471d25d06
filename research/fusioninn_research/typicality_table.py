"""Figures of the typicality report: separation, detections and false alarms by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from scripts import RESEARCH_NOTICE
from scripts.outputs.tables import markdown_table
from scripts.typicality.case_score import CaseScore
from scripts.typicality.reference import Reference

CHOSEN = "score in use"
RAW = "-log p"
USUAL = "usual"
UNSEEN = "unseen patients"
FITTED = "patients of the fit, left out"
PICTURES = "pictures"


@dataclass(frozen=True)
class Case:
    """A case of the report.

    Attributes:
        group: where it comes from.
        kind: "usual", or what is unusual.
        name: the patient or picture.
        figures: what a user is told.
        scores: by candidate.
        above: whether each candidate's score is above its own threshold.
    """

    group: str
    kind: str
    name: str
    figures: CaseScore
    scores: dict[str, float]
    above: dict[str, bool]

    @classmethod
    def of(
        cls,
        group: str,
        kind: str,
        name: str,
        statistics: Mapping[str, np.ndarray],
        references: Mapping[str, Reference],
    ) -> Case:
        """Score a case by all candidates.

        Args:
            group: where it comes from.
            kind: "usual", or what is unusual.
            name: the patient or picture.
            statistics: see `case_statistics`.
            references: what is usual by candidate; `CHOSEN` is among them.
        """
        figures = {key: CaseScore.of(reference, statistics) for key, reference in references.items()}
        scores = {RAW: float(np.median(statistics["energy"])), **{key: one.score for key, one in figures.items()}}
        above = {key: one.score > one.threshold for key, one in figures.items()}
        return cls(group, kind, name, figures[CHOSEN], scores, above)

    def row(self) -> dict[str, Any]:
        """The case as plain values."""
        return {
            "group": self.group,
            "kind": self.kind,
            "name": self.name,
            "order_ratio": self.figures.order_ratio,
            "displacement": self.figures.displacement,
            "warned": self.figures.unusual,
            "scores": self.scores,
        }


def area_under_curve(usual: Sequence[float], unusual: Sequence[float]) -> float:
    """Chance that an unusual case has the larger score, ties counted half (area under the ROC curve).

    Args:
        usual: scores of usual cases.
        unusual: scores of unusual ones.
    """
    ranks = rankdata(np.concatenate((usual, unusual)))[len(usual) :]
    return float((ranks.sum() - len(unusual) * (len(unusual) + 1) / 2) / (len(usual) * len(unusual)))


def summary(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Figures of each kind: of usual ones the rates are false alarms, of others detections.

    Pictures are compared with the unseen usual patients, all others with the usual ones of their own group.
    """
    rows = []
    for group, kind in dict.fromkeys((case.group, case.kind) for case in cases):
        mine = [case for case in cases if (case.group, case.kind) == (group, kind)]
        home = UNSEEN if group == PICTURES else group
        usual = [case for case in cases if (case.group, case.kind) == (home, USUAL)]

        def area(candidate: str, mine: Sequence[Case] = mine, usual: Sequence[Case] = usual) -> float:
            return area_under_curve([one.scores[candidate] for one in usual], [one.scores[candidate] for one in mine])

        candidates = mine[0].scores
        rows.append(
            {
                "group": group,
                "kind": kind,
                "cases": len(mine),
                "median_score": float(np.median([case.scores[CHOSEN] for case in mine])),
                "area": {} if kind == USUAL else {name: area(name) for name in candidates},
                "order_area": None
                if kind == USUAL
                else area_under_curve(
                    [one.figures.order_ratio for one in usual], [one.figures.order_ratio for one in mine]
                ),
                "above_threshold": {name: _share(case.above[name] for case in mine) for name in mine[0].above},
                "taken_for_swapped": _share(case.figures.swapped for case in mine),
                "taken_for_displaced": _share(case.figures.displaced for case in mine),
                "warned": _share(case.figures.unusual for case in mine),
            }
        )
    return rows


def typicality_markdown(rows: Sequence[Mapping[str, Any]], cases: Sequence[Case], reference: Reference) -> str:
    """The tables to read.

    Args:
        rows: see `summary`.
        cases: all cases.
        reference: what is usual.
    """
    first = [
        [
            f"{row['group']}: {row['kind']}",
            str(row["cases"]),
            f"{row['median_score']:.2f}",
            _figure(row["area"].get(CHOSEN)),
            _figure(row["order_area"]),
            *(f"{row[key]:.0%}" for key in ("taken_for_swapped", "taken_for_displaced", "warned")),
        ]
        for row in rows
    ]
    for line, row in zip(first, rows, strict=True):
        line.insert(5, f"{row['above_threshold'][CHOSEN]:.0%}")
    names = list(cases[0].scores)
    second = [
        [f"{row['group']}: {row['kind']}", *(_figure(row["area"].get(name)) for name in names)]
        for row in rows
        if row["area"]
    ]
    alarms = [
        [f"{row['group']}: {row['kind']}", *(f"{share:.0%}" for share in row["above_threshold"].values())]
        for row in rows
        if row["kind"] == USUAL
    ]
    header = ("kind", "cases", "median score", "AUC, score", "AUC, order", "above threshold")
    return "\n".join(
        [
            "# Typicality",
            "",
            RESEARCH_NOTICE,
            "",
            f"Threshold {reference.threshold:.2f}; {reference.slices} slices of a case. Of usual kinds the shares are "
            "false alarms, of all others detections.",
            "",
            markdown_table((*header, "swapped", "displaced", "warned"), first),
            "AUC by candidate:",
            "",
            markdown_table(("kind", *names), second),
            "False alarms by candidate, each at its own threshold:",
            "",
            markdown_table(("kind", *cases[0].above), alarms),
        ]
    )


def _share(flags: Any) -> float:
    return float(np.mean([bool(flag) for flag in flags]))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
