"""Make names of patients, sources and other inputs safe for use as file names."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from .errors import BadInputError

NAME_LIMIT = 150
"""Longest name in bytes of UTF-8: file systems stop at 255, and endings such as `_t1gd_decomposed.nii.gz` follow."""

_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.+-]*[A-Za-z0-9_+-])?")
_WORD_LIMIT = 64
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_UNSAFE = re.compile(r"""[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\ufeff\ud800-\udfff]|%(?=[0-9A-Fa-f]{2})""")


def file_name(name: str) -> str:
    r"""Turn any name, such as a patient's, into one that every file system accepts as a file or folder name.

    Usual names are unchanged. Path separators, control characters and characters that some systems reserve become `%`
    and two hexadecimal digits per byte, as in a URL. Different names stay different, and `name_of` returns the original
    name.

    Args:
        name: any text, for instance "P1" (unchanged), ".hidden" ("%2Ehidden") or "a/b" ("a%2Fb").

    Raises:
        BadInputError: the name is empty or longer than `NAME_LIMIT` bytes.
    """
    if not name:
        raise BadInputError("a name is empty, expected at least one character. Name every patient.")
    safe = _UNSAFE.sub(lambda found: _escaped(found[0]), name)
    if safe[0] in ".-~ " or _RESERVED.fullmatch(safe):
        safe = _escaped(safe[0]) + safe[1:]
    if safe[-1] in ". ":
        safe = safe[:-1] + _escaped(safe[-1])
    if len(safe.encode("utf-8")) > NAME_LIMIT:
        raise BadInputError(
            f"the name '{shown(name)}' is too long for a file name ({len(safe.encode('utf-8'))} bytes, at most "
            f"{NAME_LIMIT}). Use a shorter one."
        )
    return safe


def name_of(safe: str) -> str:
    """Return the original of a name made safe by `file_name`."""
    return unquote_to_bytes(safe).decode("utf-8", "surrogatepass") if "%" in safe else safe


def safe_again(name: str) -> str:
    """Make a name safe that may be safe already, such as one read from a result's file name."""
    return name if name and file_name(name_of(name)) == name else file_name(name)


def is_word(text: object) -> bool:
    """Whether `text` is a plain word, such as a source's name: letters, digits, `_`, `-`, `+` and inner dots."""
    return isinstance(text, str) and len(text) <= _WORD_LIMIT and _WORD.fullmatch(text) is not None


def check_word(text: object, what: str, where: str) -> str:
    """Check a name that will be part of a file name.

    Args:
        text: text that was read or given.
        what: description for the message, such as "a source's name".
        where: origin of the text, for the message.

    Returns:
        `text`.

    Raises:
        BadInputError: it is not a plain word.
    """
    if not is_word(text):
        raise BadInputError(
            f"{where}: {what} is {shown(text)!r}, expected letters, digits, '_', '-' or '.' (at most {_WORD_LIMIT}), "
            "as in 't1gd'. Correct it, or use the file as it was written."
        )
    return str(text)


def shown(text: object, limit: int = 60) -> str:
    """Shorten a text for a message, on one line, without control characters."""
    line = "".join(letter if letter.isprintable() else "?" for letter in str(text))
    return line if len(line) <= limit else f"{line[:limit]}…"


def _escaped(letters: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letters.encode("utf-8", "surrogatepass"))
