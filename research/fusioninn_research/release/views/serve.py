"""Segmentation of sources, estimates, fused image and plain mean."""

from __future__ import annotations

from typing import Any

from ...serve.study_table import dice_table, differences_table, settings, verdict
from .results import Results


def content(results: Results) -> dict[str, Any]:
    """Return what the study wrote."""
    return results.json("serve/serve.json")


VIEWS = {
    "serve.settings": lambda results: settings(content(results)),
    "serve.dice": lambda results: dice_table(content(results)),
    "serve.differences": lambda results: differences_table(content(results)),
    "serve.verdict": lambda results: verdict(content(results)),
}
