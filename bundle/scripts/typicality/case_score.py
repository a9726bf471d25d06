"""Score a case, and suggest the reason if it is unusual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scripts.data.errors import BadInputError
from scripts.inferers.slices_at_once import AUTO
from scripts.networks import FusionINN

from .reference import Reference
from .statistics import case_statistics

SAME = 0.98
"""Rank correlation above which two sources count as the same image."""
SWAPPED = 1.25
"""Order ratio above which the sources count as swapped."""
DISPLACED = 3.0
"""Displacement in pixels above which the sources count as not registered."""


@dataclass(frozen=True)
class CaseScore:
    """Measures of a case: medians over its slices.

    Attributes:
        score: distance from the usual distribution.
        order_ratio: distance divided by that with swapped sources.
        displacement: displacement between the sources in pixels.
        rank_correlation: rank correlation of the sources.
        threshold: score above which a case is unusual.
    """

    score: float
    order_ratio: float
    displacement: float
    rank_correlation: float
    threshold: float

    @classmethod
    def of(cls, reference: Reference, statistics: Mapping[str, np.ndarray]) -> CaseScore:
        """Compute the measures from the statistics of a case, see `case_statistics`."""
        return cls(
            score=float(np.median(reference.scores(statistics))),
            order_ratio=float(np.median(reference.order_ratios(statistics))),
            displacement=float(np.median(statistics["displacement"])),
            rank_correlation=float(np.median(statistics["rank_correlation"])),
            threshold=reference.threshold,
        )

    @property
    def unusual(self) -> bool:
        """Whether to warn."""
        return self.score > self.threshold or self.swapped or self.displaced

    @property
    def same(self) -> bool:
        """Whether both sources seem to be the same image."""
        return self.rank_correlation > SAME

    @property
    def swapped(self) -> bool:
        """Whether the sources seem to be swapped."""
        return self.order_ratio > SWAPPED and not self.same

    @property
    def displaced(self) -> bool:
        """Whether the sources seem not to be registered."""
        return self.displacement > DISPLACED

    def reason(self, sources: tuple[str, ...]) -> str | None:
        """Return the likely reason, or None if it is not clear."""
        first, second = sources
        if self.same:
            return f"{first} and {second} show the same image"
        if self.displaced:
            return (
                f"as if {second} were not registered to {first} (their edges agree best {self.displacement:.0f} pixels "
                "away)"
            )
        if self.swapped:
            return f"as if {first} and {second} were swapped"
        return None


class ScoreCase:
    """Score the sources of a case.

    Args:
        reference: distribution of usual pairs.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
        pictures: whether cases are single pictures of unknown kind. The only reason then reported is that both are the
            same, because a PET would look like a displaced MRI. The rate of false alarms is omitted, because it applies
            to cases of several slices. Defaults to False.
    """

    def __init__(self, reference: Reference, slices_at_once: int | str = AUTO, pictures: bool = False) -> None:
        self.reference = reference
        self.slices_at_once = slices_at_once
        self.pictures = pictures

    def __call__(self, network: FusionINN, image: torch.Tensor, axis: int) -> dict[str, Any]:
        """Score a case.

        Args:
            network: network with the weights that the reference was fitted for.
            image: sources [2, X, Y, Z].
            axis: spatial axis along which the slices are taken.

        Returns:
            for the sidecar: "Score", "Threshold", "NominalFalseAlarmRate" (not of pictures), "OrderRatio",
            "Displacement", "Unusual", "LikelyReason" (a text or None), "Slices" and "SliceScores".

        Raises:
            BadInputError: there are not two sources, all slices are empty, or the image is too small for any
                statistics.
        """
        if len(image) != 2:
            raise BadInputError(f"typicality is defined for two sources only, got {len(image)}.")
        numbers, statistics = case_statistics(
            network, image, axis, self.reference.density, self.reference.slices, self.slices_at_once
        )
        if not numbers:
            raise BadInputError("typicality cannot be computed: all slices are empty.")
        case = CaseScore.of(self.reference, statistics)
        if not np.isfinite([case.score, case.order_ratio, case.displacement]).all():
            raise BadInputError("typicality cannot be computed: the images show too little of a brain.")
        return {
            "Score": round(case.score, 3),
            "Threshold": round(case.threshold, 3),
            **({} if self.pictures else {"NominalFalseAlarmRate": self.reference.false_alarm_rate}),
            "OrderRatio": round(case.order_ratio, 3),
            "Displacement": round(case.displacement, 1),
            "Unusual": case.unusual,
            "LikelyReason": self._reason(case) if case.unusual else None,
            "Slices": numbers,
            "SliceScores": [round(float(value), 3) for value in self.reference.scores(statistics)],
        }

    def _reason(self, case: CaseScore) -> str | None:
        if self.pictures:
            return "both show the same image" if case.same else None
        return case.reason(self.reference.sources)


def warning(patient: str, report: Mapping[str, Any]) -> str:
    """Return the warning for an unusual case."""
    reason = report["LikelyReason"]
    but = "not by its " if reason and report["Score"] <= report["Threshold"] else ""
    return (
        f"{patient} looks unlike the training data ({but}typicality score {report['Score']:.2f}, usual up to "
        f"{report['Threshold']:.2f}){f': {reason}' if reason else ''}. Check the images: order, contrast, "
        "registration, skull stripping. The results are written anyway."
    )
