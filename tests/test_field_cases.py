"""The table of real-world input names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "bundle" / "docs" / "field_cases.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_row_names_a_test():
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    cases = [line for line in lines if line.startswith("| ") and not line.endswith(("| Test |", "| --- |"))]
    assert len(cases) > 40
    assert not [row for row in cases if not NAMED.search(row)]


def test_every_test_that_is_named_exists():
    named = NAMED.findall(DOCUMENT.read_text(encoding="utf-8"))
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (TESTS / file).is_file() or f"def {name}(" not in (TESTS / file).read_text(encoding="utf-8")
    ]
    assert not missing
