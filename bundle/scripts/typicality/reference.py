"""The distribution of usual pairs fitted for given weights, and its file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scripts import RESEARCH_NOTICE
from scripts.command_line.offered import command
from scripts.data.errors import BadInputError
from scripts.data.schema import read_record
from scripts.outputs.writing import result_file

from .fused_density import FusedDensity
from .mahalanobis import Mahalanobis

FIT = "configs/typicality.json"
"""Config of the command that writes the file."""
SMALLEST_DISTANCE = 1e-6

_NUMBERS = {"type": "array", "items": {"type": "number"}, "description": "a list of numbers"}
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "a list of names"}
_DISTRIBUTION = {
    "type": "object",
    "description": "names, mean and covariance of statistics",
    "required": ["names", "mean", "covariance"],
    "properties": {
        "names": _NAMES,
        "mean": _NUMBERS,
        "covariance": {"type": "array", "items": _NUMBERS, "description": "a matrix of numbers"},
    },
}
_REFERENCE = {
    "type": "object",
    "description": "a JSON object",
    "required": [
        "checkpoint_sha256",
        "sources",
        "slices",
        "density",
        "usual",
        "order",
        "threshold",
        "false_alarm_rate",
        "fitted",
    ],
    "properties": {
        "checkpoint_sha256": {"type": ["string", "null"], "description": "a checksum"},
        "sources": _NAMES,
        "slices": {"type": "integer", "minimum": 1, "description": "a whole number from 1 on"},
        "density": {
            "type": "object",
            "description": "weights and spread",
            "required": ["weights", "spread"],
            "additionalProperties": False,
            "properties": {
                "weights": {**_NUMBERS, "minItems": 4, "maxItems": 4, "description": "four numbers"},
                "spread": {**_NUMBERS, "minItems": 2, "maxItems": 2, "description": "two numbers"},
            },
        },
        "usual": _DISTRIBUTION,
        "order": _DISTRIBUTION,
        "threshold": {"type": "number", "exclusiveMinimum": 0, "description": "a number above 0"},
        "false_alarm_rate": {"type": "number", "minimum": 0, "maximum": 1, "description": "a number from 0 to 1"},
        "fitted": {"type": "object", "description": "an object"},
    },
}
"""JSON schema of the file."""


@dataclass(frozen=True)
class Reference:
    """Distribution of usual pairs.

    Attributes:
        checkpoint_sha256: checksum of the weights that it belongs to.
        sources: names of the sources, in the network's order.
        slices: number of slices per case.
        density: density of the fused image.
        usual: distribution of the statistics over usual slices.
        order: distribution of statistics that distinguish the first source from the second.
        threshold: score above which a case is unusual.
        false_alarm_rate: share of usual cases expected above it.
        fitted: record of the data that it was fitted to.
    """

    checkpoint_sha256: str
    sources: tuple[str, ...]
    slices: int
    density: FusedDensity
    usual: Mahalanobis
    order: Mahalanobis
    threshold: float
    false_alarm_rate: float
    fitted: dict[str, Any] = field(default_factory=dict)

    def scores(self, statistics: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the Mahalanobis distance of each slice, with a root mean square of 1 over the fitted slices.

        Args:
            statistics: arrays (slices,) by name, see `case_statistics`.
        """
        return self.usual.distance(rows_of(statistics, self.usual.names))

    def order_ratios(self, statistics: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the distance of each slice relative to that with swapped sources; above 1, swapped is more usual."""
        names = self.order.names
        given, swapped = (rows_of(statistics, order) for order in (names, [other_source(name) for name in names]))
        return self.order.distance(given) / np.maximum(self.order.distance(swapped), SMALLEST_DISTANCE)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file atomically."""
        content = {
            "Description": "What usual pairs of sources are like for one file of weights; made by " + FIT,
            "ResearchUseOnly": RESEARCH_NOTICE,
            **asdict(self),
        }
        with result_file(path, suffix=".json") as temporary:
            Path(temporary).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str], checkpoint_sha256: str | None) -> Reference:
        """Read the file and check that it belongs to the weights.

        Args:
            path: file that `save` wrote.
            checkpoint_sha256: checksum of the weights in use.

        Raises:
            BadInputError: the file is missing, damaged or belongs to other weights.
        """
        options = f"--ckpt_path WEIGHTS --typicality_file {path} --dataset_dir DIR"
        remedy = (
            "Fit it for the weights in use, with their training data: "
            f"{command(['inference.json', 'typicality.json'], options)}"
        )
        try:
            content = read_record(path, _REFERENCE, remedy)
            reference = cls(
                checkpoint_sha256=content["checkpoint_sha256"],
                sources=tuple(content["sources"]),
                slices=int(content["slices"]),
                density=FusedDensity(**{key: tuple(value) for key, value in content["density"].items()}),
                usual=_distribution(content["usual"]),
                order=_distribution(content["order"]),
                threshold=float(content["threshold"]),
                false_alarm_rate=float(content["false_alarm_rate"]),
                fitted=content["fitted"],
            )
        except BadInputError:
            raise
        except ValueError as error:
            raise BadInputError(f"{path} is not a valid typicality file ({error}). {remedy}") from error
        if reference.checkpoint_sha256 != checkpoint_sha256:
            raise BadInputError(
                f"{path} belongs to other weights (SHA-256 {reference.checkpoint_sha256[:12]}…, but the weights in use "
                f"have {str(checkpoint_sha256)[:12]}…). {remedy}"
            )
        return reference


def rows_of(statistics: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Return some statistics as an array (slices, statistics)."""
    return np.stack([statistics[name] for name in names], axis=1)


def other_source(name: str) -> str:
    """Return the name of a statistic for the other source: "rim_1" for "rim_2"."""
    return name[:-1] + {"1": "2", "2": "1"}[name[-1]] if name.endswith(("_1", "_2")) else name


def _distribution(content: dict[str, Any]) -> Mahalanobis:
    rows = tuple(tuple(row) for row in content["covariance"])
    names, mean = tuple(content["names"]), tuple(content["mean"])
    if np.shape(rows) != (len(names), len(names)) or len(mean) != len(names):
        raise ValueError(f"{len(names)} statistics, but a covariance of shape {np.shape(rows)}")
    return Mahalanobis(names, mean, rows)
