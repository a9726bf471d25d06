"""A small patient of flat blocks, whose greys can be foretold, and a browser to look at reports with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import browser, open_page
from scripts.report.html import write_report
from scripts.report.report_data import ReportData

SHAPE = (32, 40, 12)
AFFINE = np.array([[-1.0, 0, 0, 16], [0, -1, 0, 20], [0, 0, 2, -10], [0, 0, 0, 1]])


def blocks(first: float, second: float, dtype: str = "float32") -> np.ndarray:
    """Return a volume of two halves along x on a black background, a little brighter from slice to slice."""
    volume = np.zeros(SHAPE, dtype)
    volume[4:16, 5:35, 1:11] = first
    volume[16:28, 5:35, 1:11] = second
    return volume


def patient(**changes: Any) -> ReportData:
    """Return what a report shows of the patient."""
    seg = np.zeros(SHAPE, np.uint8)
    seg[18:25, 10:20, 4:9] = 2
    content: dict[str, Any] = {
        "patient": "blocks-01",
        "affine": AFFINE,
        "volumes": {"t1gd": blocks(400, 100), "flair": blocks(60, 300)},
        "fused": np.rint(65535 * blocks(0.25, 0.75)) / 65535,
        "decomposed": {"t1gd": blocks(380, 104), "flair": blocks(60, 290)},
        "uncertainty": {"t1gd": blocks(8, 4), "flair": blocks(2, 6)},
        "seg": seg,
        "scores": {"fused": {"t1gd": 0.91, "flair": 0.92}, "decomposed": {"t1gd": 0.951, "flair": None}},
        "provenance": {"version": "0.3.0", "weights_sha256": "ab" * 32, "warnings": ["Unlike <the> training data"]},
    }
    return ReportData(**(content | changes))


@pytest.fixture(scope="session")
def make_patient() -> Callable[..., ReportData]:
    """Return the function that makes the small patient."""
    return patient


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The written report of the small patient."""
    return write_report(tmp_path_factory.mktemp("report") / "blocks-01_report.html", patient())
