"""Write the tables of scores: per slice, per file, and summary."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine

from scripts import RESEARCH_NOTICE
from scripts.cohort.patients import CohortReport
from scripts.data.errors import BadInputError
from scripts.metrics import DECOMPOSITION_METRICS, FUSION_METRICS
from scripts.outputs.staged import staged
from scripts.outputs.tables import aligned, deviation_of, mean_of, write_csv, write_json

from .score import decomposed_column

TABLES = ("scores.csv", "images.csv", "summary.json")
_SECONDS_BETWEEN = 10.0
"""Seconds between updates, because the tables of thousands of pictures are not rewritten after each one."""

_SCALING = {
    "none": "as they are, see value_range",
    "slice": "each slice by its own minimum and maximum",
    "volume": "each volume by percentiles of its foreground; what is above 1 is cut off",
}


class ScoreTables:
    """Collect the scores of all fused images, and write them.

    ``scores.csv`` has a row for every slice, ``images.csv`` one for every file with the means over its slices.
    ``summary.json`` has mean and standard deviation over files, the settings, and what was skipped and why.

    Args:
        output_dir: folder for the tables.
        settings: settings of the command, kept in the summary.
    """

    def __init__(self, output_dir: str, settings: Mapping[str, Any]) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.settings = dict(settings)
        self.rows: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self.source_names: list[str] = []
        self.decomposed = False
        self.coloured: dict[str, None] = {}
        self.normalised: dict[str, list[str]] = {}
        self.few_slices: dict[str, int] = {}
        self.without_value: dict[str, dict[str, str]] = {}
        self._written = time.monotonic()

    def __call__(self, results: Mapping[str, Any]) -> list[str]:
        """Add a fused image.

        Args:
            results: result of `ScoreImages`.

        Returns:
            the files that its scores are written to.
        """
        image, rows = results["patient"], results["rows"]
        self.source_names = results["source_names"]
        self.decomposed = self.decomposed or results["decomposed"] is not None
        self.rows += [{"image": image, **row} for row in rows]
        means = {column: mean_of([row.get(column) for row in rows]) for column in self.columns}
        self.images.append({"image": image, "slices": len(rows), **means})
        self.coloured |= dict.fromkeys(results["coloured"])
        self.normalised.setdefault(results["normalisation"], []).append(image)
        if results["left_out"]:
            self.few_slices[image] = len(results["left_out"])
        if results["without_value"]:
            self.without_value[image] = results["without_value"]
            for metric, reason in results["without_value"].items():
                logging.getLogger(__name__).warning(f"{image} has no {metric}: {reason}")
        if time.monotonic() - self._written > _SECONDS_BETWEEN:
            self.write({})
        return [str(self.output_dir / name) for name in TABLES]

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns with scores."""
        decomposed = [
            decomposed_column(source, metric) for source in self.source_names for metric in DECOMPOSITION_METRICS
        ]
        return [*FUSION_METRICS, *(decomposed if self.decomposed else [])]

    def write(self, problems: Mapping[str, str]) -> None:
        """Write all tables.

        Args:
            problems: reason for each image that could not be scored.
        """
        columns = self.columns
        scores = {column: [image.get(column) for image in self.images] for column in columns}
        summary = {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "Estimates": "Decomposed images are estimates." if self.decomposed else None,
            "settings": self.settings,
            "sources": self.source_names,
            "images": len(self.images),
            "slices": len(self.rows),
            "mean_over_images": {column: mean_of(values) for column, values in scores.items()},
            "std_over_images": {column: deviation_of(values) for column, values in scores.items()},
            "images_with_value": {
                column: sum(value is not None for value in values) for column, values in scores.items()
            },
            "sources_scaled": {
                mode: {"how": _SCALING[mode], "images": len(images)} for mode, images in self.normalised.items()
            },
            "luminance_of_colour": list(self.coloured),
            "left_out": {
                "images": dict(problems),
                "slices_with_little_foreground": self.few_slices,
                "metrics": self.without_value,
            },
        }
        with staged(self.output_dir) as stage:
            paths = [stage / name for name in TABLES]
            write_csv(paths[0], self.rows, ["image", "slice", *columns])
            write_csv(paths[1], self.images, ["image", "slices", *columns])
            write_json(paths[2], {key: value for key, value in summary.items() if value is not None})
        self._written = time.monotonic()

    def text(self) -> str:
        """Return mean and standard deviation over files as a text table."""
        few = sum(self.few_slices.values())
        lines = [
            f"{len(self.images)} image(s), {len(self.rows)} slice(s), variant {self.settings.get('metrics_variant')}"
            f"{f'; {few} slice(s) with little foreground left out' if few else ''}.",
            "Mean ± standard deviation over images:",
            *aligned([self._entries(FUSION_METRICS)], [""], FUSION_METRICS),
        ]
        if self.decomposed:
            entries = [
                self._entries([decomposed_column(source, metric) for metric in DECOMPOSITION_METRICS])
                for source in self.source_names
            ]
            lines += [
                "Decomposed images, which are estimates:",
                *aligned(entries, self.source_names, DECOMPOSITION_METRICS),
            ]
        return "\n".join([*lines, RESEARCH_NOTICE])

    def _entries(self, columns: Sequence[str]) -> list[str]:
        entries = []
        for column in columns:
            values = [image.get(column) for image in self.images]
            mean, deviation = mean_of(values), deviation_of(values)
            spread = "" if deviation is None else f" ± {deviation:.4f}"
            entries.append("–" if mean is None else f"{mean:.4f}{spread}")
        return entries


class ScoreReport(CohortReport):
    """Show a progress bar; at the end write the tables and report scores and failures.

    Args:
        output_dir: folder of the tables.
        tables: collects the scores.
    """

    def __init__(self, output_dir: str, tables: ScoreTables) -> None:
        super().__init__("Scoring", output_dir, unit="image")
        self.tables = tables

    def start(self, engine: Engine) -> None:
        """Draw the bar.

        Raises:
            BadInputError: when started with several processes, or the folder is not writable.
        """
        if idist.get_world_size() > 1:
            raise BadInputError(
                "fused images can only be scored by a single process. Start the command without torchrun."
            )
        super().start(engine)

    def tell(self) -> None:
        """Write the tables and report the outcome.

        Raises:
            BadInputError: when an image could not be scored; the message names each.
        """
        self.tables.write(self.problems)
        if self.tables.images:
            self.logger.info(self.tables.text())
        super().tell()
