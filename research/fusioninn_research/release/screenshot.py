"""Picture of a report in a browser: ``python -m fusioninn_research.release.screenshot REPORT.html OUT.png``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
WIDTH, HEIGHT = 1280, 1030
PATIENCE_SECONDS = 240


def take_screenshot(report: Path, picture: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Draw a report, or the page for browsers.

    Args:
        report: HTML file.
        picture: PNG to write.
        width: width of the window in pixels. Defaults to 1280.
        height: its height. Defaults to 1030.

    Raises:
        SystemExit: playwright or a browser is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("Error: no playwright: pip install -r requirements-dev.txt") from None
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise SystemExit(f"Error: none of {', '.join(PROGRAMS)} is installed: sh tools/setup_system.sh")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        page.goto(report.resolve().as_uri(), wait_until="commit")
        page.wait_for_selector("html[data-state=ready]")
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    take_screenshot(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5]))
