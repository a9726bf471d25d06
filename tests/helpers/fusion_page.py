"""Give files to the page for browsers, and take what it saves."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any


def give(page: Any, *files: str | Path, state: str = "ready") -> None:
    """Give files to a page and wait for what comes of them."""
    page.evaluate("document.documentElement.dataset.state = 'asked'")
    page.set_input_files("#files", [str(file) for file in files])
    page.wait_for_selector(f"html[data-state={state}]")


def saved(page: Any, folder: Path) -> Path:
    """Save everything that a page made, unpacked into a folder; returns the patient's folder."""
    with page.expect_download() as download:
        page.click("#save-all")
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "page.zip"
    download.value.save_as(archive)
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    archive.unlink()
    (patient,) = folder.iterdir()
    return patient
