"""Measured blocks of the documents: text between two comments that name a measurement and the weights it belongs to.

A block stands on lines of its own::

    <!-- measured: validation.readme weights=6583c010f98b -->
    | | whole slice |
    ...
    <!-- end -->

or within a sentence, where no line may begin with a comment, because Markdown would then show the line as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.outputs.tables import write_text

_START = r"<!-- measured: (?P<name>[a-z0-9_]+(?:\.[a-z0-9_]+)?) weights=(?P<weights>[0-9a-f]{12}) -->"
_END = r"<!-- end -->"
_ANY = re.compile(rf"{_START}|{_END}|<!-- measured:[^>]*weights[^>]*-->")


@dataclass(frozen=True)
class Block:
    """A measured block.

    Attributes:
        name: the measurement, and the form in which it is shown: "validation.readme".
        weights: first 12 hexadecimal digits of the weights' SHA-256.
        text: what stands between the comments.
        line: line of the document, from 1.
        start: position of the first comment.
        stop: position behind the second one.
    """

    name: str
    weights: str
    text: str
    line: int
    start: int
    stop: int

    @property
    def measurement(self) -> str:
        """The measurement alone: "validation"."""
        return self.name.partition(".")[0]


def opening(name: str, weights: str) -> str:
    """Return the comment before a block."""
    return f"<!-- measured: {name} weights={weights} -->"


def find_blocks(text: str, document: str = "the document") -> list[Block]:
    """Return all measured blocks of a text.

    Args:
        text: the document.
        document: its name, for messages.

    Raises:
        BadInputError: a comment is misspelt or without its partner, blocks overlap, or a block within a sentence begins
            or ends a line.
    """
    blocks: list[Block] = []
    before: re.Match[str] | None = None
    for found in _ANY.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["name"] is None and found[0] != "<!-- end -->":
            raise BadInputError(
                f"{document}, line {line}: {found[0]} is not understood, expected {opening('NAME', '0' * 12)}."
            )
        if (before is None) == (found["name"] is None):
            problem = "ends no measured block" if before is None else f"begins within the block {before['name']}"
            raise BadInputError(
                f"{document}, line {line}: {found[0]} {problem}. Each block is {opening('NAME', '0' * 12)} ... "
                "<!-- end -->, without another one in it."
            )
        if before is None:
            before = found
            continue
        block = Block(
            before["name"],
            before["weights"],
            text[before.end() : found.start()],
            text.count("\n", 0, before.start()) + 1,
            before.start(),
            found.end(),
        )
        _check_place(text, block, document)
        blocks.append(block)
        before = None
    if before is not None:
        line = text.count("\n", 0, before.start()) + 1
        raise BadInputError(f"{document}, line {line}: {before[0]} has no <!-- end -->.")
    return blocks


def _check_place(text: str, block: Block, document: str) -> None:
    """A block has lines of its own, or stands within a line, where Markdown reads it as part of the sentence."""
    own_lines = block.text.startswith("\n") and block.text.endswith("\n")
    if own_lines:
        return
    first = text[text.rfind("\n", 0, block.start) + 1 : block.start]
    if not first.strip(" \t-*>") or "\n" in block.text.strip(" "):
        last = text.rfind("\n", block.start, block.stop)
        begins = not first.strip(" \t-*>") or not text[last + 1 : block.stop].removesuffix("<!-- end -->").strip()
        if begins:
            raise BadInputError(
                f"{document}, line {block.line}: the block {block.name} begins or ends at the start of a line, which "
                "Markdown then shows as it is. Put words before the comment, or give the block lines of its own."
            )


def with_blocks(text: str, texts: Mapping[str, str], weights: str, document: str = "the document") -> str:
    """Return a text with new content in some of its blocks.

    Args:
        text: the document.
        texts: new content by name of the block.
        weights: the mark of the weights that the new content belongs to.
        document: name of the document, for messages.
    """
    for block in reversed(find_blocks(text, document)):
        if block.name in texts:
            content = texts[block.name].strip("\n")
            if block.text.startswith("\n"):
                content = f"\n{content}\n"
            elif "\n" in content:
                raise BadInputError(f"{document}, line {block.line}: {block.name} is a table and needs its own lines.")
            text = text[: block.start] + f"{opening(block.name, weights)}{content}<!-- end -->" + text[block.stop :]
    return text


def write_blocks(path: Path, texts: Mapping[str, str], weights: str) -> list[str]:
    """Replace blocks of a document.

    Args:
        path: Markdown file.
        texts: new content by name of the block.
        weights: see `with_blocks`.

    Returns:
        names of the blocks that it has of these.
    """
    old = path.read_text(encoding="utf-8")
    names = [block.name for block in find_blocks(old, str(path)) if block.name in texts]
    new = with_blocks(old, texts, weights, str(path))
    if new != old:
        write_text(path, new)
    return names
