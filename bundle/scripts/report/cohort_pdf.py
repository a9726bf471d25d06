"""The pictures of a whole cohort as pages of a PDF, the worst cases first."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages

from scripts import RESEARCH_NOTICE, __version__
from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.data.inputs import check_apart, files_of
from scripts.data.progress import with_progress
from scripts.outputs.overview import overview_page
from scripts.outputs.page import ACCENT, DPI, FAINT, Page, shared_headings
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.writing import result_file

from .report_data import ReportData
from .viewer_data import display_name

KINDS = {"decomposed": "Decomposed (estimated)", "fused": "Fused"}
WIDTH, MARGIN, TOP, LINE, ROWS, FEWEST_ROWS = 1800, 60, 250, 30, 36, 24


class CohortPdf:
    """Scores of all patients on the front pages, then the overview of each, worst first.

    The worst has the lowest SSIM of `judged` with any of its sources. Patients whose score is not known come first.

    Args:
        records: see `find_results`.
        read: reads the report's data of a record, see `ReadResults`.
        path: PDF file to write.
        judged: "decomposed" or "fused". Defaults to "decomposed".
        most: pictures of so many patients at most, the worst; the table lists all. Defaults to None (of all).
    """

    def __init__(
        self,
        records: Sequence[Mapping[str, Any]],
        read: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        path: str | os.PathLike[str],
        judged: str = "decomposed",
        most: int | None = None,
    ) -> None:
        if judged not in KINDS:
            raise BadInputError(f"judged is '{judged}', expected one of {', '.join(KINDS)}.")
        if most is not None and (not isinstance(most, int) or most < 0):
            raise BadInputError(f"most is {most!r}, expected a whole number from 0 on.")
        self.records = list(records)
        self.read = read
        self.path = Path(path).expanduser()
        self.judged = judged
        self.most = most

    def draw(self) -> Path:
        """Write the pages.

        Returns:
            the file written.

        Raises:
            BadInputError: the file cannot be written, or some patients could not be read; those are listed, and the
                others are in the file.
        """
        check_apart(self.path, *(file for record in self.records for file in files_of(record).values()))
        problems: dict[str, str] = {}
        rows = self._ranked(problems)
        metadata = {"Title": "FusionINN cohort", "Subject": RESEARCH_NOTICE, "CreationDate": None}
        with result_file(self.path, suffix=".pdf") as temporary, PdfPages(temporary, metadata=metadata) as pages:
            for page in front_pages(rows, self.judged):
                pages.savefig(page.figure, dpi=DPI)
            for row in with_progress(rows[: self.most], "Drawing"):
                try:
                    page = draw_patient(self.read(row["record"])["report"])
                except Exception as error:  # whatever it is, the other patients are drawn
                    cause = plain_cause(error)
                    if cause is None:
                        raise
                    problems[row["patient"]] = str(cause)
                    continue
                pages.savefig(page.figure, dpi=DPI)
            if problems:
                pages.savefig(problem_page(problems).figure, dpi=DPI)
        logging.getLogger(__name__).info(f"{len(rows)} patient(s), worst first, in {self.path}")
        if problems:
            told = "\n".join(f"- {patient}: {problem}" for patient, problem in problems.items())
            raise BadInputError(f"{len(problems)} of {len(self.records)} patients could not be shown:\n{told}")
        return self.path

    def _ranked(self, problems: dict[str, str]) -> list[dict[str, Any]]:
        rows = []
        for record in self.records:
            try:
                sidecar = read_sidecar(sidecar_of(record["fused"]))
            except BadInputError as error:
                problems[record["patient"]] = str(error)
                continue
            scores = sidecar.get("SSIM", {})
            known = [score for score in scores.get(self.judged, {}).values() if score is not None]
            rows.append(
                {
                    "patient": record["patient"],
                    "record": record,
                    "scores": scores,
                    "worst": min(known, default=-math.inf),
                    "unusual": sidecar.get("Typicality", {}).get("Unusual", False),
                }
            )
        return sorted(rows, key=lambda row: (row["worst"], row["patient"]))


def draw_patient(data: ReportData) -> Page:
    """Draw the overview of a patient."""
    ssim = {
        source: {of: found[source] for of, found in data.scores.items() if found.get(source) is not None}
        for source in data.sources
    }
    return overview_page(
        data.volumes,
        data.fused,
        data.decomposed,
        affine=data.affine,
        slice_axis=data.axes[2],
        lesion=data.seg,
        ssim=ssim,
        title=data.patient,
        phantom=data.phantom,
        uncertainty=data.uncertainty,
    )


def front_pages(rows: Sequence[Mapping[str, Any]], judged: str) -> list[Page]:
    """Draw the table of scores, on as many pages as it needs.

    Args:
        rows: "patient", "scores", "worst" and "unusual" of each patient, in order.
        judged: what the order follows.
    """
    sources = list(dict.fromkeys(source for row in rows for found in row["scores"].values() for source in found))
    chunks = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)] or [rows]
    return [_front_page(chunk, number * ROWS, len(rows), sources, judged) for number, chunk in enumerate(chunks)]


def problem_page(problems: Mapping[str, str]) -> Page:
    """Say which patients could not be shown, and why."""
    page = _page(f"{len(problems)} patient(s) could not be shown")
    page.lines(MARGIN, 150, [f"{patient}: {problem}"[:220] for patient, problem in problems.items()], LINE, fontsize=8)
    return page


def _page(title: str, rows: int = ROWS) -> Page:
    page = Page(WIDTH, TOP + LINE * (rows + 2))
    page.text(MARGIN, 40, title, fontsize=16, fontweight="bold")
    page.text(MARGIN, 92, f"{RESEARCH_NOTICE}  Decomposed images are estimates.", fontsize=9.5, color=ACCENT)
    return page


def _front_page(rows: Sequence[Mapping[str, Any]], first: int, count: int, sources: Sequence[str], judged: str) -> Page:
    page = _page(f"FusionINN {__version__}: {count} patient(s), worst first", max(len(rows), FEWEST_ROWS))
    page.text(
        MARGIN,
        128,
        f"Mean SSIM with each source. Order: the lowest of {KINDS[judged].lower()}.",
        fontsize=8.5,
        color=FAINT,
    )
    columns = [(kind, source) for kind in KINDS for source in sources]
    step = min(150, 1000 / max(len(columns), 1))
    left = [WIDTH - MARGIN - step * (len(columns) - i - 0.5) for i in range(len(columns))]
    for kind, first_one, last_one in shared_headings([kind for kind, _ in columns]):
        page.text(
            (left[first_one] + left[last_one]) / 2, TOP - 68, KINDS[kind], fontsize=9, fontweight="bold", ha="center"
        )
    for (_, source), place in zip(columns, left, strict=True):
        page.text(place, TOP - 38, display_name(source), fontsize=8.5, color=FAINT, ha="center")
    page.rule(MARGIN, WIDTH - MARGIN, TOP - 8)
    for line, row in enumerate(rows):
        top = TOP + LINE * line
        page.text(MARGIN, top, str(first + line + 1), fontsize=9, color=FAINT)
        page.text(MARGIN + 60, top, str(row["patient"])[:60], fontsize=9)
        if row["unusual"]:
            page.text(left[0] - step if left else WIDTH / 2, top, "unusual", fontsize=8.5, color=ACCENT, ha="center")
        for (kind, source), place in zip(columns, left, strict=True):
            score = row["scores"].get(kind, {}).get(source)
            page.text(place, top, "–" if score is None else f"{score:.4f}", fontsize=9, ha="center")
    return page
