"""The scorecard, which is a document of its own."""

from __future__ import annotations

from .results import Results


def document(results: Results) -> str:
    """The scorecard without its title and notice."""
    text = results.text("scorecard/scorecard.md")
    start = text.index("\n- ")
    return text[start:].strip()


VIEWS = {"scorecard.document": document}
