"""Tables and lists of a report as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from scripts.data.contrasts import DISPLAY_NAMES

LABELS = {
    "version": "FusionINN bundle",
    "weights_sha256": "Weights (SHA-256)",
    "sha256": "SHA-256",
    "ssim": "SSIM",
    "mm": "mm",
    "ras": "RAS",
    **DISPLAY_NAMES,
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose first column names the rows.

    Args:
        head: heading of each column.
        rows: texts of each row.
    """
    headings = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(text)}</td>" for text in others)}</tr>'
        for first, *others in rows
    )
    return f"<table><thead><tr>{headings}</tr></thead><tbody>{body}</tbody></table>"


def description(content: Mapping[str, Any]) -> str:
    """Write names and values as a list; what lies in a value that is a mapping stands below its name."""
    entries = "".join(
        f"<div><dt>{escape(label(key))}</dt><dd>{value(entry)}</dd></div>" for key, entry in content.items()
    )
    return f"<dl>{entries}</dl>"


def value(content: Any) -> str:
    """Write a value of any kind."""
    if isinstance(content, Mapping):
        return description(content) if content else "none"
    if isinstance(content, list | tuple):
        if not content:
            return "none"
        if all(isinstance(entry, int | float) and not isinstance(entry, bool) for entry in content):
            return escape(", ".join(plain(entry) for entry in content))
        return f"<ul>{''.join(f'<li>{value(entry)}</li>' for entry in content)}</ul>"
    text = plain(content)
    # a checksum may break anywhere
    return f"<code>{escape(text)}</code>" if re.fullmatch(r"[0-9a-f]{12,}", text) else escape(text)


def plain(content: Any) -> str:
    """Return a number or a text as it is read."""
    if content is None:
        return "unknown"
    if isinstance(content, bool):
        return "yes" if content else "no"
    if isinstance(content, float):
        return f"{content:.4g}"
    return str(content)


def label(key: str) -> str:
    """Return a key in words: "rotation_degrees" and "RotationDegrees" are "Rotation degrees"."""
    if key in LABELS:
        return LABELS[key]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(key)).lower().split("_")
    text = " ".join(LABELS.get(word, word) for word in words if word)
    return text[:1].upper() + text[1:]
