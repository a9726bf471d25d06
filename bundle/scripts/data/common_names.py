"""Match file names by their common parts: `img1_CDDFuse` with `img1`, `ct_01` with `1`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

_NO_IMAGE = {"mask", "masks", "seg", "segmentation", "label", "labels", "gt"}
"""Words that mark a different kind of picture: `1_mask` is not the partner of `1`."""
_SEPARATORS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"([^\W\d]*)(\d+)([^\W\d]*)")

Parts = tuple[str, ...]


class CommonNames:
    """Names of one folder, split into words and numbers.

    Args:
        names: names without extension. Parts common to all, such as the name of a method, are ignored.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.parts = {name: _parts(name) for name in dict.fromkeys(names)}
        counts = [Counter(parts) for parts in self.parts.values()]
        shared = counts[0].copy() if len(counts) > 1 else Counter()
        for count in counts[1:]:
            shared &= count
        self.cores = {name: _without(parts, shared) for name, parts in self.parts.items()}
        self.by_core: dict[Parts, list[str]] = defaultdict(list)
        self.by_core_part: dict[str, list[str]] = defaultdict(list)
        for name, core in self.cores.items():
            self.by_core[core].append(name)
            for part in set(core):
                self.by_core_part[part].append(name)

    def matches(self, name: str, others: CommonNames) -> list[str]:
        """Find the names of another folder that match one of this folder.

        Names match if the parts that distinguish them within their folders are equal, or else if all words and numbers
        of one occur in the other. Leading zeros and case are ignored.

        Args:
            name: one of the names of this folder.
            others: names of the other folder.

        Returns:
            the names that match; more than one if ambiguous.
        """
        core, own = self.cores[name], Counter(self.parts[name])
        if core and core in others.by_core:
            return others.by_core[core]
        near = dict.fromkeys(other for part in own for other in others.by_core_part.get(part, ()))
        candidates = [*others.by_core.get((), ()), *near]
        counts = {other: Counter(others.parts[other]) for other in candidates if others.parts[other]}
        return [
            other
            for other, count in counts.items()
            if own and (count <= own or own <= count) and not _NO_IMAGE & set((count - own) + (own - count))
        ]


def pair_names(folders: Sequence[Iterable[str]]) -> list[tuple[str, ...]]:
    """Pair each name with exactly one name of every other folder.

    Args:
        folders: names without extension of every folder.

    Returns:
        the names that belong together, in the order of the folders; ambiguous ones are left out.
    """
    names = [CommonNames(found) for found in folders]
    pairs = []
    for first in names[0].parts:
        pair = [first]
        for other in names[1:]:
            found = names[0].matches(first, other)
            if len(found) != 1 or other.matches(found[0], names[0]) != [first]:
                break
            pair += found
        if len(pair) == len(names):
            pairs.append(tuple(pair))
    return pairs


def _parts(name: str) -> Parts:
    """Split at separators and around a number at either end of a word: `img1_U2Net` is img, 1 and u2net."""
    parts: list[str] = []
    for word in _SEPARATORS.split(name.casefold()):
        match = _NUMBERED.fullmatch(word)
        numbered = match is not None and not (match[1] and match[3])
        parts += match.groups() if match and numbered else (word,)
    return tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts if part)


def _without(parts: Parts, shared: Counter[str]) -> Parts:
    left = shared.copy()
    kept = []
    for part in parts:
        if left[part] > 0:
            left[part] -= 1
        else:
            kept.append(part)
    return tuple(kept)
