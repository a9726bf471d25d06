"""Time the page for browsers on the files of one patient.

    python benchmarks/web.py dist/fusioninn.html P_t1ce.nii.gz P_flair.nii.gz

Prints the seconds to fuse and decompose, the processor time of all of Chromium in it, the time to draw a slice when the
slider moves, and the memory of the page's process.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "research")]

from fusioninn_research.release.screenshot import FLAGS, PROGRAMS  # noqa: E402

TICKS = 100
"""Units of processor time in a second, in the process table of Linux."""


def processes() -> dict[int, tuple[float, int]]:
    """Return processor seconds and resident memory in bytes of each process of Chromium."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"chrom" not in (folder / "cmdline").read_bytes():
                continue
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(folder.name)] = ((int(fields[11]) + int(fields[12])) / TICKS, 4096 * int(fields[21]))
    return found


def measure(page_file: Path, files: list[str]) -> None:
    """Fuse two files in the page and print the figures."""
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    before = set(processes())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(600_000)
        page.goto(page_file.resolve().as_uri())
        page.wait_for_selector("html[data-state=busy]")
        page.click("#cancel")
        own = {process: used for process, used in processes().items() if process not in before}
        begin, used = time.perf_counter(), sum(seconds for seconds, _ in own.values())
        page.set_input_files("#files", files)
        page.wait_for_selector("html[data-state=ready]")
        elapsed = time.perf_counter() - begin
        now = {process: one for process, one in processes().items() if process not in before}
        page.evaluate("performance.clearMeasures()")
        for value in range(0, 201, 5):
            page.fill("#blend", str(value))
            page.wait_for_timeout(50)
        drawn = page.evaluate("performance.getEntriesByName('draw').map((entry) => entry.duration)")
        print(page.inner_text("#facts"))
        print(page.inner_text("#engine"))
        print(f"fuse and decompose: {elapsed:.1f} s, processor time {sum(s for s, _ in now.values()) - used:.1f} s")
        print(f"draw: {statistics.median(drawn):.1f} ms (median of {len(drawn)})")
        print(f"memory of the page: {max(memory for _, memory in now.values()) / 2**20:.0f} MB")
        browser.close()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="the page, as make web builds it")
    parser.add_argument("files", nargs=2, help="T1-Gd and FLAIR")
    arguments = parser.parse_args()
    measure(arguments.page, arguments.files)


if __name__ == "__main__":
    main()
