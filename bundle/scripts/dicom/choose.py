from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.hidden import SHORT_UID, short_uid

from .contrast import NAMES, Contrast, tell_contrast
from .series import Series

ALTHOUGH = "although"
"""How a reason begins that speaks against a choice."""

_UID = re.compile(r"^\d+(\.\d+){3,}$")
_SELECTOR = re.compile(r"^(?P<name>\d+(?:\.\d+)*)(?:(?:::?|/|#)(?P<part>\d+))?$")
"""A number or UID, and the part. A command line ends at "#", and MONAI's configs turn it into "::"."""


@dataclass(frozen=True)
class Choice:
    """A series that was chosen as a source, and why."""

    series: Series
    reasons: tuple[str, ...]


def choose_series(
    series: Sequence[Series], sources: Sequence[str], named: Mapping[str, Any] | None = None
) -> dict[str, Choice]:
    """Choose a series for each source, by header values first and words second, or as the user named them.

    Args:
        series: of one study.
        sources: to choose for: "t1gd", "flair", "t1", "t2", "dwi", "adc", or any other word that `named` holds.
        named: by source, the series UID, the series number (``9``, or ``9:2`` for the second acquisition in series 9)
            or a pattern of the description (``*mprage*``, or a regular expression); None is as if it were not there.

    Returns:
        the choices by source.

    Raises:
        BadInputError: a source is missing or ambiguous, the message lists the candidates; what is named does not
            exist; the series are of several patients.
    """
    if len({one.patient_key for one in series}) > 1:
        raise BadInputError(
            "the series are of several patients under one study. Give each patient's study in a folder of its own."
        )
    named = {source: str(wish) for source, wish in (named or {}).items() if wish not in (None, "")}
    told = {id(one): tell_contrast(one.facts) for one in series}
    choices: dict[str, Choice] = {}
    problems = []
    for source in sources:
        try:
            if source in named:
                choices[source] = _as_named(series, source, named[source], told)
            else:
                choices[source] = _by_contrast(series, source, told)
        except BadInputError as error:
            problems.append(str(error))
    if problems:
        raise BadInputError("\n".join([*problems, "The study's series:", *_listed(series, told)]))
    chosen: dict[tuple[str, int], str] = {}
    for source, choice in choices.items():
        other = chosen.setdefault((choice.series.uid, choice.series.part_number), source)
        if other != source:
            raise BadInputError(f"series {choice.series.label} is named both as {other} and as {source}. Name another.")
    return choices


def finds(series: Series, wish: str) -> bool:
    """Whether a series is what a user named: UID, number or pattern of the description.

    Raises:
        BadInputError: it is a number with a decimal point, or a pattern that is not a regular expression.
    """
    wish = wish.strip()
    if wish.startswith(SHORT_UID):
        return short_uid(series.uid) == wish
    selector = _SELECTOR.match(wish)
    if selector:
        name, part = selector["name"], selector["part"]
        of_part = part is None or int(part) == series.part_number
        if _UID.match(name):
            return of_part and series.uid == name
        if "." in name:
            raise BadInputError(
                f'"{wish}" is neither a series number nor a UID. Write for instance 9, or 9:2 for the second '
                "acquisition in series 9."
            )
        return of_part and series.facts.number == int(name)
    description = series.facts.description.casefold()
    if fnmatchcase(description, wish.casefold()):
        return True
    if re.search(r"[*?]", wish) and not re.search(r"[\\.^$|()+]", wish):
        return False
    try:
        return re.search(wish, series.facts.description, re.IGNORECASE) is not None
    except re.error as error:
        raise BadInputError(
            f'"{wish}" is not a series UID, number or description pattern ({error}). Write for instance *mprage*.'
        ) from error


def wished_uid(wish: Any) -> str | None:
    """Return the series UID that a user's wish holds, or what messages show for one; None for any other wish.

    A series with that UID lies in one study only.
    """
    text = str(wish).strip()
    if text.startswith(SHORT_UID):
        return text
    selector = _SELECTOR.match(text)
    return selector["name"] if selector and _UID.match(selector["name"]) else None


def _as_named(series: Sequence[Series], source: str, wish: str, told: Mapping[int, Contrast]) -> Choice:
    found = [one for one in series if finds(one, wish)]
    if not found:
        raise BadInputError(f'no series is "{wish}", which was given as {source}.')
    if len(found) > 1:
        raise BadInputError(
            f'{len(found)} series are "{wish}", which was given as {source}: '
            f"{', '.join(one.label for one in found)}. {_remedy(source)}"
        )
    (one,) = found
    contrast = told[id(one)]
    if one.facts.ours:
        raise BadInputError(f"series {one.label} was written by FusionINN; it cannot be a source. {_remedy(source)}")
    reasons = [f"named by {wish}"]
    if contrast.kind != source:
        looks = NAMES.get(contrast.kind, "something else")
        reasons.append(f"{ALTHOUGH} by its header it is {looks}: {'; '.join(contrast.reasons)}")
    return Choice(one, tuple(reasons))


def _by_contrast(series: Sequence[Series], source: str, told: Mapping[int, Contrast]) -> Choice:
    if source not in NAMES:
        raise BadInputError(
            f"{source} cannot be recognised from headers (only {', '.join(NAMES)} can). "
            f"{_remedy(source, 'Name its series')}"
        )
    found = [one for one in series if told[id(one)].kind == source]
    if not found:
        raise BadInputError(f"no series was recognised as {NAMES[source]}. {_remedy(source, 'If one is, name it')}")
    certain = [one for one in found if not told[id(one)].doubts]
    left = certain or found
    original = [one for one in left if one.facts.original or source in ("adc", "dwi")]
    left = original or left
    if source == "dwi":
        traces = [one for one in left if "TRACEW" in one.facts.image_type]
        left = traces or left
    if len(left) > 1:
        raise BadInputError(
            f"{len(left)} series may be {NAMES[source]}: {', '.join(one.label for one in left)}. {_remedy(source)}"
        )
    (one,) = left
    contrast = told[id(one)]
    reasons = [*contrast.reasons, *(f"{ALTHOUGH} {doubt}" for doubt in contrast.doubts)]
    passed = [other for other in found if other is not one]
    if passed:
        why = "as it is the only one without a doubt" if len(certain) == 1 else "as the others are derived images"
        reasons.append(f"rather than {', '.join(other.label for other in passed)}, {why}")
    return Choice(one, tuple(reasons))


def _remedy(source: str, start: str = "Name one") -> str:
    return f"{start} by --{source} with its UID, number or a pattern of its description."


def _listed(series: Iterable[Series], told: Mapping[int, Contrast]) -> list[str]:
    lines = []
    for one in series:
        contrast = told[id(one)]
        kind = "" if contrast.kind == "other" else f"{NAMES.get(contrast.kind, 'unknown')}: "
        doubts = "".join(f"; but {doubt}" for doubt in contrast.doubts)
        lines.append(
            f"- {one.label}, {one.facts.instances} images, {kind}{'; '.join(contrast.reasons)}{doubts} [{one.uid}]"
        )
    return lines or ["- none"]
