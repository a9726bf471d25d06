"""Headless Chromium for tests of pages: fixtures, which `tests/conftest.py` imports."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fusioninn_research.release.screenshot import FLAGS, PROGRAMS

PATIENCE = 120_000
"""Milliseconds: drawing without a graphics card takes long where something else runs."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; tests that need it are skipped without."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"none of {', '.join(PROGRAMS)} is installed: pages are not looked at")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def open_page(browser: Any) -> Callable[..., Any]:
    """Return a function that opens a page; `page.complaints` lists errors and whatever it asks of the network."""

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
