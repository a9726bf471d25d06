"""Hide the identity of patients, and file names that may contain it, in messages, logs and records."""

from __future__ import annotations

import hashlib
import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from types import TracebackType

from .shown_words import is_harmless

HIDDEN = "[hidden]"
SHORT_UID = "uid-"
"""Prefix of the replacement for a UID."""
_TOKEN = re.compile(r"""[^\s/\\'"(),:;<>=\[\]]+""")
_UID = re.compile(r"(?<![\w.])(?!1\.2\.840\.10008\.)(?:\d+(?:\.\d+){5,}|2\.25\.\d+)(?!\w)")
_SHORTEST, _SHORTEST_WITHIN_WORDS = 3, 5


class Identity:
    """Hides an identity in texts.

    UIDs that the standard does not define become `short_uid`, values "[hidden]", and parts of names `short_name`.

    Args:
        values: texts to hide, in upper or lower case. Texts of five or more letters are also hidden inside words,
            because names may be joined without a separator. Shorter texts are hidden as whole words only. Texts of
            fewer than three characters are not hidden, because they identify nobody.
        patterns: regular expressions to hide.
        names: names of files and folders to hide, unless they contain only known words, see `is_harmless`.
        roots: beginnings of paths, and their replacements.
    """

    def __init__(
        self,
        values: Iterable[str] = (),
        patterns: Iterable[str] = (),
        names: Iterable[str] = (),
        roots: Mapping[str, str] | None = None,
    ) -> None:
        # Longest first: replacing a part of a longer value first would leave the rest of it.
        long = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)
        expressions = [*patterns, *(_expression(value) for value in long)]
        self._values = re.compile("|".join(expressions), re.IGNORECASE) if expressions else None
        parts = (part for name in names if not is_harmless(name) for part in (name, *_TOKEN.findall(name)))
        self._names = {part: short_name(part) for part in parts if not is_harmless(part)}
        self._roots = dict(sorted((roots or {}).items(), key=lambda pair: len(pair[0]), reverse=True))

    def hide(self, text: str) -> str:
        """Return the text without the identity."""
        for root, instead in self._roots.items():
            text = re.sub(rf"{re.escape(root)}(?![\w-])", instead, text)
        text = _TOKEN.sub(self._shown_token, text)
        text = _UID.sub(lambda found: short_uid(found[0]), text)
        return text if self._values is None else self._values.sub(HIDDEN, text)

    def _shown_token(self, found: re.Match[str]) -> str:
        token = found[0]
        for name in (token, token.rstrip(".")):
            if name in self._names:
                return self._names[name] + token[len(name) :]
        return token


def short_name(name: str) -> str:
    """Return a replacement for the name of a file or folder: "file-" and the beginning of its checksum."""
    return f"file-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def short_uid(uid: str) -> str:
    """Return a replacement for a UID: "uid-" and the beginning of its checksum."""
    return f"{SHORT_UID}{hashlib.sha256(uid.encode()).hexdigest()[:8]}"


def hide_in_messages(identity: Identity) -> None:
    """Hide an identity in everything that this process logs from now on, including Python warnings.

    It replaces the previous identity.
    """
    _hiding.identity = identity
    if logging.getLogRecordFactory() is not _hiding:
        _hiding.make = logging.getLogRecordFactory()
        logging.setLogRecordFactory(_hiding)
    logging.captureWarnings(True)


def shown_message(text: str) -> str:
    """Return a message without the identity given to `hide_in_messages`."""
    return _hiding.identity.hide(text)


class _HidingRecords:
    """Log record factory that hides the identity, for all loggers."""

    def __init__(self) -> None:
        self.identity = Identity()
        self.make = logging.LogRecord

    def __call__(self, *args: object, **options: object) -> logging.LogRecord:
        record = self.make(*args, **options)
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments do not fit the format: logging reports it later
            return record
        record.msg, record.args = self.identity.hide(message), ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = shown_traceback(*record.exc_info)
        return record


def shown_traceback(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> str:
    """Format an error as Python does, with the identity hidden."""
    return shown_message("".join(traceback.format_exception(kind, error, trace)).rstrip())


_hiding = _HidingRecords()


def _expression(value: str) -> str:
    if len(value) >= _SHORTEST_WITHIN_WORDS and not value.isdigit():
        return re.escape(value)
    return rf"(?<![^\W_]){re.escape(value)}(?![^\W_])"
