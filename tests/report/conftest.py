"""A small patient of flat blocks, whose greys can be foretold, and a browser to look at reports with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.report.html import write_report
from scripts.report.report_data import ReportData

SHAPE = (32, 40, 12)
AFFINE = np.array([[-1.0, 0, 0, 16], [0, -1, 0, 20], [0, 0, 2, -10], [0, 0, 0, 1]])
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
PATIENCE = 120_000
"""Milliseconds: drawing without a graphics card takes long where something else runs."""


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; tests that need it are skipped without."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip(f"none of {', '.join(CHROMIUM)} is installed: reports are not looked at")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def open_page(browser: Any) -> Callable[..., Any]:
    """Return a function that opens a report; `page.complaints` lists errors and whatever it asks of the network."""

    def open_it(path: Path, state: str = "ready", script: str = "", **context: Any) -> Any:
        page = browser.new_context(**{"viewport": {"width": 1100, "height": 640}, **context}).new_page()
        page.set_default_timeout(PATIENCE)
        page.complaints = []
        page.on(
            "console", lambda message: message.type in ("error", "warning") and page.complaints.append(message.text)
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith(("data:", "blob:", "file:")) or page.complaints.append(request.url),
        )
        if script:
            page.add_init_script(script)
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector(f"html[data-state={state}]")
        return page

    return open_it
