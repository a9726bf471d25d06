"""The whole goal table for any weights, measured by one command and written as a document."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.metrics.haar_energy import BANDS
from scripts.outputs.tables import mean_of, write_csv, write_json, write_text
from scripts.outputs.writing import check_writable

from .scorecard_document import ranked_patients, scorecard_markdown
from .scorecard_figures import TEXTS, Figures
from .scorecard_goals import goals
from .scorecard_pairs import UnseenPairs
from .scorecard_slices import METRICS


class Scorecard:
    """Judge what an evaluation with `ScorecardSlices` has measured, measure unseen pairs, and write the document.

    ``scorecard.md``, ``scorecard.json`` and ``unseen_pairs.csv`` go beside the ``slices.csv`` of the evaluation.

    Args:
        output_dir: folder of the evaluation's tables.
        settings: what was measured: those of `ScorecardSlices`, "normalisation" and "checkpoint_sha256".
        data: name of the data set, and of the part of it.
        unseen: the pairs that the network has never seen.
        compared_with: CSV of Table 1, whose Q_XY and Q_P are compared; None for no comparison. Defaults to None.
        not_compared: rows of it that are no other method. Defaults to ().
        document: where the document goes. Defaults to None (``scorecard.md`` in `output_dir`).

    Raises:
        BadInputError: when the CSV cannot be read.
    """

    def __init__(
        self,
        output_dir: str,
        settings: Mapping[str, Any],
        data: str,
        unseen: UnseenPairs,
        compared_with: str | None = None,
        not_compared: Sequence[str] = (),
        document: str | None = None,
    ) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.settings, self.data, self.unseen = settings, data, unseen
        self.table = read_table(compared_with, not_compared) if compared_with else {}
        self.compared_with = compared_with
        self.document = Path(document).expanduser() if document else self.output_dir / "scorecard.md"
        self.logger = logging.getLogger(__name__)

    def prepare(self) -> None:
        """Make the folders, before hours go into the measurement.

        Raises:
            BadInputError: when nothing can be written there.
        """
        for folder in (self.output_dir, self.document.parent):
            check_writable(folder)

    def __call__(self) -> None:
        """Measure the unseen pairs and write all.

        Raises:
            BadInputError: when there is no evaluation, a pair cannot be measured, or a file cannot be written.
        """
        figures = Figures.read(self.output_dir / "slices.csv")
        sources = self.settings["sources"]
        rows = self.unseen()
        if rows:
            columns = [*TEXTS, *(name for name in rows[0] if name not in TEXTS)]
            write_csv(self.output_dir / "unseen_pairs.csv", rows, columns, places=6)
        kinds = dict.fromkeys(row["kind"] for row in rows)
        unseen = {kind: Figures(row for row in rows if row["kind"] == kind) for kind in kinds}
        compared = {
            metric: {name: one["mean"] for name, one in methods.items()} for metric, methods in self.table.items()
        }
        judged = goals(figures, sources, unseen, compared if self.comparable(figures) else {})
        about = {"data": self.data, **self.settings}
        write_json(
            self.output_dir / "scorecard.json",
            {
                "ResearchUseOnly": RESEARCH_NOTICE,
                **about,
                "patients": len(figures.patients),
                "slices": len(figures.rows),
                "left_out": self.left_out(figures),
                "goals": [asdict(goal) for goal in judged],
                "mean_over_slices": _means(figures),
                "band_ratios": _ratios(figures, sources),
                "unseen": {kind: {"cases": len(one.patients), **_means(one)} for kind, one in unseen.items()},
                "compared": compared,
                "ranked": dict(ranked_patients(figures, sources)),
            },
        )
        text = scorecard_markdown(
            judged, figures, sources, unseen, compared, about, self.left_out(figures), self.remarks(figures)
        )
        write_text(self.document, text)
        self.logger.info(f"Written: {self.document}, and scorecard.json and slices.csv in {self.output_dir}")

    def left_out(self, figures: Figures) -> list[str]:
        """What is not measured, and why."""
        told = list(self.unseen.left_out)
        if not figures.known("ceiling_slice").rows:
            told.append("the ceiling, by --ceiling_every 0")
        if not figures.known("decomposed_" + self.settings["sources"][0] + "_lesion").rows:
            told.append("the lesion, as no measured slice has a segmentation of one")
        if not self.table:
            told.append("other methods' Q_XY and Q_P, as no --compared_with was given")
        return told

    def comparable(self, figures: Figures) -> bool:
        """Whether the other methods were measured on as many patients and slices as these weights."""
        return self._counts() == {(len(figures.patients), len(figures.rows))}

    def remarks(self, figures: Figures) -> list[str]:
        """What a reader has to know of the comparison with other methods."""
        if not self.table:
            return []
        name = f"The other methods' figures are those of {Path(str(self.compared_with)).name}"
        if self.comparable(figures):
            return [f"{name}, measured on as many patients and slices."]
        told = " or ".join(f"{patients} patients and {slices} slices" for patients, slices in sorted(self._counts()))
        return [f"**{name}, measured on {told}: other data than here, so nothing is judged by them.**"]

    def _counts(self) -> set[tuple[int, int]]:
        return {(one["patients"], one["slices"]) for methods in self.table.values() for one in methods.values()}


def read_table(path: str, not_compared: Sequence[str] = ()) -> dict[str, dict[str, dict[str, Any]]]:
    """Read Q_XY and Q_P of the methods in a table of results.

    Args:
        path: CSV with the columns "row", "figure", "mean", "patients" and "slices".
        not_compared: rows to leave out. Defaults to ().

    Returns:
        "mean", "patients" and "slices" by metric and method.

    Raises:
        BadInputError: when it is no such file, or holds neither metric.
    """
    types = {"row": str, "figure": str, "mean": float, "patients": int, "slices": int}
    try:
        table = pd.read_csv(Path(path).expanduser(), usecols=list(types), dtype=types).dropna(subset="mean")
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{path} cannot be read as a table of results ({error}). Give the table1.csv that research/configs/"
            "table1.json writes by --compared_with, or null."
        ) from error
    table = table[~table["row"].isin(list(not_compared))].set_index("row")
    found = {
        metric: table.loc[table["figure"] == metric, ["mean", "patients", "slices"]].to_dict("index")
        for metric in METRICS
    }
    if not all(found.values()):
        raise BadInputError(f"{path} has no {' and '.join(METRICS)} of any method. Give the table1.csv, or null.")
    return found


def _means(figures: Figures) -> dict[str, float | None]:
    columns = dict.fromkeys(name for row in figures.rows for name in row if name not in (*TEXTS, "slice"))
    return {name: mean_of(figures.values(name), 6) for name in columns}


def _ratios(figures: Figures, sources: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Energy of the finest bands against the larger source, mean over patients."""
    images = ["fused", *(f"decomposed_{source}" for source in sources)]
    ratios = {image: figures.band_ratios(image, sources) for image in images}
    return {image: {band: mean_of(list(one[band].values()), 4) for band in BANDS} for image, one in ratios.items()}
