"""Score fused images of any method from files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.slices import brain_mask
from scripts.metrics import DECOMPOSITION_METRICS, FUSION_METRICS, decomposition_scores, fusion_scores
from scripts.metrics.variants import check_variant
from scripts.outputs.levels import as_stored
from scripts.transforms.slicing import to_slices


class ScoreImages:
    """Score a fused image slice by slice: its similarity to the sources, and the quality of the decomposition.

    Args:
        metrics_variant: "full", or "centre" as in the scripts published with the paper. Defaults to "full".
        rounded: round fused image and sources to 8 bits for the fusion metrics, which are defined for these. Decomposed
            images and their sources are compared without rounding. Defaults to True.
        min_foreground_fraction: smallest share of foreground in a slice's area. Other slices of a volume are skipped,
            because an empty slice scores near 1 for any method. Foreground is where any source differs from its
            background, see `brain_mask`. A picture, or a volume of one slice, is always scored. Defaults to 0.1, as for
            `evaluate`.
        slices_at_once: slices in a batch. Defaults to 8.
        device: device to compute on. Defaults to the CPU.
    """

    def __init__(
        self,
        metrics_variant: str = "full",
        rounded: bool | str = True,
        min_foreground_fraction: float = 0.1,
        slices_at_once: int = 8,
        device: torch.device | str = "cpu",
    ) -> None:
        check_variant(metrics_variant)
        if not isinstance(min_foreground_fraction, int | float) or not 0 <= min_foreground_fraction <= 1:
            raise BadInputError(f"min_foreground_fraction is {min_foreground_fraction!r}, expected a number in [0, 1].")
        if not isinstance(slices_at_once, int) or slices_at_once < 1:
            raise BadInputError(f"slices_at_once is {slices_at_once!r}, expected a whole number from 1 on.")
        self.metrics_variant = metrics_variant
        self.rounded = is_true(rounded)
        self.min_foreground_fraction = min_foreground_fraction
        self.slices_at_once = slices_at_once
        self.device = torch.device(device)

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Measure one fused image.

        Args:
            network: not used, because the images are given.
            data: result of `LoadImageSet`.

        Returns:
            `data` with "rows": "slice" and the scores of every scored slice; "left_out": indices of the skipped slices;
            "without_value": the reason for each metric that cannot be computed.

        Raises:
            BadInputError: no slice or no metric can be scored.
        """
        axis, names = data["slice_axis"], data["source_names"]
        sources, fused = to_slices(data["sources"], axis), to_slices(data["fused"], axis)
        decomposed = None if data["decomposed"] is None else to_slices(data["decomposed"], axis)
        numbers = self._chosen(data["patient"], data["sources"], axis)
        rows: list[dict[str, Any]] = [{"slice": number} for number in numbers]
        reasons: dict[str, str] = {}
        for start in range(0, len(numbers), self.slices_at_once):
            batch = numbers[start : start + self.slices_at_once]
            columns = self._fusion(fused[batch].to(self.device), sources[batch].to(self.device), reasons)
            if decomposed is not None:
                columns |= self._decomposition(
                    decomposed[batch].to(self.device), sources[batch].to(self.device), names, reasons
                )
            for name, values in columns.items():
                for row, value in zip(rows[start:], values.tolist(), strict=False):
                    row[name] = value
        if all(len(row) == 1 for row in rows):
            raise BadInputError(f"{data['patient']} cannot be scored: {next(iter(reasons.values()))}")
        left_out = sorted(set(range(len(fused))) - set(numbers))
        return {**data, "rows": rows, "left_out": left_out, "without_value": reasons}

    def _chosen(self, patient: str, sources: torch.Tensor, axis: int) -> list[int]:
        share = to_slices(brain_mask(sources).float(), axis).mean(dim=(1, 2, 3))
        if len(share) == 1:
            return [0]
        numbers = torch.nonzero(share >= self.min_foreground_fraction).flatten().tolist()
        if not numbers:
            raise BadInputError(
                f"{patient} has no slice with foreground on at least {self.min_foreground_fraction:.0%} of its area; "
                f"the largest share is {share.max():.1%}. Lower --min_foreground_fraction, or leave the image out."
            )
        return numbers

    def _fusion(self, fused: torch.Tensor, sources: torch.Tensor, reasons: dict[str, str]) -> dict[str, torch.Tensor]:
        if self.rounded:
            fused, sources = as_stored(fused, "uint8"), as_stored(sources, "uint8")
        return _each(
            FUSION_METRICS, reasons, lambda name: fusion_scores(fused, sources, self.metrics_variant, metrics=[name])
        )

    @staticmethod
    def _decomposition(
        decomposed: torch.Tensor, sources: torch.Tensor, names: Sequence[str], reasons: dict[str, str]
    ) -> dict[str, torch.Tensor]:
        scores = _each(
            DECOMPOSITION_METRICS, reasons, lambda name: decomposition_scores(decomposed, sources, metrics=[name])
        )
        return {
            column: values[:, i]
            for i, source in enumerate(names)
            for column, values in ((decomposed_column(source, metric), scores[metric]) for metric in scores)
        }


def decomposed_column(source: str, metric: str) -> str:
    """Return the name of the column for a metric of a decomposed image."""
    return f"decomposed_{source}_{metric}"


def _each(
    metrics: Sequence[str], reasons: dict[str, str], compute: Callable[[str], dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """Compute the metrics, and record why one cannot be computed, such as images smaller than its window."""
    scores: dict[str, torch.Tensor] = {}
    for name in metrics:
        try:
            scores |= compute(name)
        except BadInputError as error:
            reasons[name] = str(error)
    return scores
